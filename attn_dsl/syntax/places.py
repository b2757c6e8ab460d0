"""In which subgraph things stand, where mermaid's lists of members do not tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attn_dsl.diagnostics import Span
from attn_dsl.syntax.arrows import edge_ids
from attn_dsl.syntax.diagram import Diagram, Subgraph


@dataclass(frozen=True)
class Places:
    """Subgraphs by their numbers in closing order, None for the top level.

    `homes` has the nodes that are declared in another subgraph than the one that mermaid puts
    them into, `edges` the arrows that make such a node a member of the subgraph that they stand
    in, and `parents` the subgraphs that stand in another one than the one that lists them.
    """

    homes: Mapping[str, int | None]
    edges: Mapping[int, int]
    parents: Mapping[int, int | None]


def find_places(diagram: Diagram, closing: Sequence[Subgraph]) -> Places:
    """The places in `diagram`, whose subgraphs are `closing` in the order of their ends."""
    owners = {id: number for number, subgraph in enumerate(closing) for id in subgraph.nodes}
    numbers = {subgraph.span: number for number, subgraph in enumerate(closing)}
    homes = dict(_homes(diagram, closing, owners))
    edges = dict(_edges(diagram, homes, owners, numbers))
    return Places(homes, edges, dict(_parents(diagram, owners, numbers)))


def _homes(
    diagram: Diagram, closing: Sequence[Subgraph], owners: Mapping[str, int]
) -> Iterator[tuple[str, int | None]]:
    numbers: dict[str | None, list[int]] = {}
    for number, subgraph in enumerate(closing):
        numbers.setdefault(subgraph.id, []).append(number)
    for node in diagram.nodes.values():
        owner = owners.get(node.id)
        if owner is None or node.id in numbers or closing[owner].id == node.subgraph:
            continue
        later = [number for number in numbers.get(node.subgraph, ()) if number > owner]
        yield node.id, later[0] if later else None


def _edges(
    diagram: Diagram,
    homes: Mapping[str, int | None],
    owners: Mapping[str, int],
    numbers: Mapping[Span, int],
) -> Iterator[tuple[int, int]]:
    around = _around(diagram, (edge.span for edge in diagram.edges))
    edges = zip(diagram.edges, edge_ids(diagram.edges), around, strict=True)
    for position, (edge, id, span) in enumerate(edges):
        moved = [end for end in (edge.source, edge.target) if end in homes]
        if span and any(owners.get(end) == numbers[span] for end in (*moved, id)):
            yield position, numbers[span]


def _parents(
    diagram: Diagram, owners: Mapping[str, int], numbers: Mapping[Span, int]
) -> Iterator[tuple[int, int | None]]:
    around = _around(diagram, (subgraph.span for subgraph in diagram.subgraphs))
    for subgraph, span in zip(diagram.subgraphs, around, strict=True):
        number = numbers[subgraph.span]
        parent = numbers[span] if span else None
        if parent != parent_of(number, subgraph.id, owners):
            yield number, parent


def parent_of(number: int, id: str, owners: Mapping[str, int]) -> int | None:
    """The subgraph that lists subgraph `number`, called `id`, among its members."""
    owner = owners.get(id)
    return None if owner == number else owner


def _around(diagram: Diagram, spans: Iterable[Span]) -> Iterator[Span | None]:
    """The innermost subgraph around each of `spans`, which are in order."""
    waiting = [subgraph.span for subgraph in reversed(diagram.subgraphs)]
    open_ones: list[Span] = []
    for span in spans:
        while waiting and waiting[-1].start < span.start:
            open_ones.append(waiting.pop())
        while open_ones and open_ones[-1].end <= span.start:
            open_ones.pop()
        yield open_ones[-1] if open_ones else None
