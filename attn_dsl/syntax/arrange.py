"""In which order the boxes, arrows and subgraphs of a JSON object have to be written.

Subgraphs come in the order in which they close, boxes inside the one that declares them, and
arrows at the end, so that they make no box a member of anything; but for those that have to:
such an arrow stands inside its subgraph, and all arrows before it come before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attn_dsl.syntax.places import parent_of
from attn_dsl.syntax.shared_ids import is_early, turns_of

Record = Mapping[str, Any]
Piece = tuple[Literal["box", "mention", "arrow", "open", "close"], Any]
"""A box, or another member, by its id; an arrow or a subgraph by its number."""


class Circle(ValueError):
    """Subgraphs that stand in one another."""


@dataclass(frozen=True)
class Tree:
    """Subgraphs by number: what each lists, the one around it, those in it; and their ids.

    `owners` says which one lists a member, `homes` which one declares a box.
    """

    members: Sequence[Sequence[str]]
    parents: Sequence[int | None]
    children: Mapping[int | None, Sequence[int]]
    ids: Sequence[str]
    owners: Mapping[str, int]
    homes: Mapping[str, int | None]


def arrange(record: Record) -> Iterator[Piece]:
    """The pieces of `record` in their order; raise Circle if there is none.

    A box with the id of a subgraph comes first, if something was said of it before that ended.
    """
    tree = _tree(record)
    turns = turns_of(record)
    early = [node["id"] for node in record["nodes"] if is_early(node, turns)]
    pieces: list[Piece] = [("box", id) for id in early]
    pieces += _nested(record["nodes"], tree)
    before, inside = _arrows(record["edges"], tree, pieces)
    numbers = {edge["id"]: i for i, edge in enumerate(record["edges"]) if edge["id"]}
    done = 0
    for kind, what in pieces:
        limit = 0
        if kind == "open":
            limit = before.get(what, 0)
        elif kind == "close":
            limit = inside.get(what, (0, 0))[1]
        elif kind == "mention":
            limit = numbers.get(what, -1) + 1
        yield from (("arrow", number) for number in range(done, limit))
        done = max(done, limit)
        yield kind, what
    yield from (("arrow", number) for number in range(done, len(record["edges"])))


def _tree(record: Record) -> Tree:
    subgraphs = record["subgraphs"]
    ids = [subgraph["id"] for subgraph in subgraphs]
    owners = {id: n for n, subgraph in enumerate(subgraphs) for id in subgraph["nodes"]}
    parents = [
        s["parent"] if "parent" in s else parent_of(n, s["id"], owners)
        for n, s in enumerate(subgraphs)
    ]
    children: dict[int | None, list[int]] = {}
    for number, parent in enumerate(parents):
        children.setdefault(parent, []).append(number)
    named = set(ids)
    homes = {
        node["id"]: node["subgraph"] if "subgraph" in node else owners.get(node["id"])
        for node in record["nodes"]
        if node["id"] not in named
    }
    members = [subgraph["nodes"] for subgraph in subgraphs]
    return Tree(members, parents, children, ids, owners, homes)


def _nested(nodes: Sequence[Record], tree: Tree) -> Iterator[Piece]:
    """Boxes and subgraphs, without the arrows."""
    guests: dict[int, list[str]] = {}
    for id, home in tree.homes.items():
        if home is not None and tree.owners.get(id) != home:
            guests.setdefault(home, []).append(id)
    around: list[int] = []
    bodies = [_top(nodes, tree)]
    while bodies:
        piece = next(bodies[-1], None)
        if piece is not None:
            yield piece
            if piece[0] == "open":
                around.append(piece[1])
                bodies.append(_body(piece[1], guests.get(piece[1], ()), tree))
        else:
            bodies.pop()
            if around:
                yield "close", around.pop()


def _top(nodes: Sequence[Record], tree: Tree) -> Iterator[Piece]:
    """What stands in no subgraph, each box before the subgraphs of those that follow it."""
    waiting, subgraphs = deque(tree.children.get(None, ())), set(tree.ids)
    roots = _roots(tree)
    for node in nodes:
        id, home = node["id"], tree.homes.get(node["id"])
        if home is None and id not in subgraphs:
            yield "box", id
        while home is not None and waiting and waiting[0] <= roots[home]:
            yield "open", waiting.popleft()
    yield from (("open", number) for number in waiting)


def _body(number: int, guests: Sequence[str], tree: Tree) -> Iterator[Piece]:
    """What stands in a subgraph: boxes that are drawn in another one first, then its members."""
    yield from (("box", id) for id in guests)
    waiting = deque(tree.children.get(number, ()))
    inner = {tree.ids[child]: child for child in reversed(waiting)}
    for id in tree.members[number]:
        if id in inner:
            while waiting and waiting[0] <= inner[id]:
                yield "open", waiting.popleft()
        elif id not in tree.homes:
            yield "mention", id
        elif tree.homes[id] == number:
            yield "box", id
    yield from (("open", child) for child in waiting)


def _roots(tree: Tree) -> dict[int, int]:
    """The outermost subgraph around each."""
    roots: dict[int, int] = {}
    for number in range(len(tree.ids)):
        path: set[int] = set()
        top = number
        while top not in roots and (parent := tree.parents[top]) is not None:
            if top in path:
                raise Circle
            path.add(top)
            top = parent
        roots |= dict.fromkeys((*path, number, top), roots.get(top, top))
    return roots


def _arrows(
    edges: Sequence[Record], tree: Tree, pieces: Sequence[Piece]
) -> tuple[dict[int, int], dict[int, tuple[int, int]]]:
    """How many arrows come before each subgraph, and from which to which some are in it."""
    inside: dict[int, tuple[int, int]] = {}
    for number, edge in enumerate(edges):
        if edge["in"] is not None:
            inside[edge["in"]] = inside.get(edge["in"], (number, 0))[0], number + 1
    for kind, number in pieces:
        parent = tree.parents[number] if kind == "close" else None
        if parent is not None and number in inside:
            first, last = inside[number]
            inside[parent] = (
                min(first, inside.get(parent, (first, 0))[0]),
                max(last, inside.get(parent, (0, last))[1]),
            )
    before = {number: first for number, (first, _) in inside.items()}
    for number, edge in enumerate(edges):
        owner = tree.owners.get(edge["id"])
        if owner is not None and edge["id"] not in tree.homes and edge["in"] != owner:
            before[owner] = max(before.get(owner, 0), number + 1)
    return before, inside
