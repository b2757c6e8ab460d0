"""What lies before and after nodes along the arrows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

from attn_dsl.syntax import Diagram


def between(diagram: Diagram, members: Set[str]) -> set[str]:
    """The nodes on the ways from one of `members` to another, members among them."""
    after = _reach(members, lambda id: [edge.target for edge in diagram.edges_from(id)])
    before = _reach(members, lambda id: [edge.source for edge in diagram.edges_into(id)])
    return after & before


def _reach(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    front = list(start)
    while front:
        new = [id for id in step(front.pop()) if id not in reached]
        reached.update(new)
        front.extend(new)
    return reached
