"""What an arrow says by its looks: `<-.->` is dotted and has a point at both ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attn_dsl.syntax.diagram import Edge

HEADS = {">": "arrow_point", "<": "arrow_point", "x": "arrow_cross", "o": "arrow_circle"}
STROKES = {"=": "thick", "~": "invisible"}


def arrow(text: str) -> tuple[str, str]:
    """The stroke and head of an arrow drawn in one piece."""
    text = text.strip()
    head, tail = HEADS.get(text[-1], "arrow_open"), HEADS.get(text[0], "arrow_open")
    double = head != "arrow_open" and head == tail and text[0] != ">"
    line = text[1:-1] if double else text[:-1]
    return _stroke(line), f"double_{head}" if double else head


def labelled_arrow(first: str, last: str) -> tuple[str, str, bool]:
    """The stroke and head of `first … last`, and whether the two ends go together."""
    tail = HEADS.get(first.strip()[0], "arrow_open")
    stroke, head = arrow(last)
    if tail == "arrow_open":
        return stroke, head, True
    if tail == head:
        return stroke, f"double_{head}", True
    return stroke, head, False


def _stroke(line: str) -> str:
    """The stroke of a line without its heads; one that goes with no other hides `=`."""
    return "dotted" if "." in line else STROKES.get(line[0], "normal")


def edge_id(source: str, target: str, earlier: int) -> str:
    """Mermaid's name for an edge that has none; `earlier` ones join the same two boxes."""
    return f"L_{source}_{target}_{earlier + 1 if earlier else 0}"


def edge_ids(edges: Iterable[Edge]) -> Iterator[str]:
    """The ids of all edges of a diagram in order, mermaid's own for those without one."""
    joined: Counter[tuple[str, str]] = Counter()
    for edge in edges:
        ends = edge.source, edge.target
        yield edge.id or edge_id(*ends, joined[ends])
        joined[ends] += 1
