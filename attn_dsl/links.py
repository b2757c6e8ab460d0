"""Links: names for the values of a graph and the parts of its fused operations.

Pictures and source texts say with them what they show. A value is linked by its name, `O`; what
is a part of the fused attention O, by both, `O/softmax`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attn_dsl.ir import Graph
from attn_dsl.textbuilder import mark, unmarked
from attn_dsl.tile import Part

_PARTS = tuple(Part)


def link(value: str, part: str = "") -> str:
    """The link to a value, or to a part of the fused operation that computes it."""
    return f"{value}/{part}" if part else value


def part_mark(part: Part) -> str:
    """What marks lines of source that do this part of a fused operation."""
    return mark(_PARTS.index(part))


def value_marks(graph: Graph, values: Iterable[str]) -> list[str]:
    """What marks lines that compute one of `values`, by their places in `graph`."""
    places = {statement.name: place for place, statement in enumerate(graph.statements)}
    return [mark(len(_PARTS) + places[value]) for value in values]


def read_links(text: str, values: Iterable[str]) -> tuple[str, Mapping[int, tuple[str, ...]]]:
    """A marked text without its marks, and the links of its lines, from line 1 on.

    A line with marks of values and of parts does these parts of each of the values. `values` are
    the names that the drawing has for those of the graph that was printed, in its order; empty
    for those that a backend has added.
    """
    plain, marks = unmarked(text)
    known = list(values)
    found: dict[int, tuple[str, ...]] = {}
    for line, numbers in marks.items():
        parts = [_PARTS[n].value for n in numbers if n < len(_PARTS)] or [""]
        places = (n - len(_PARTS) for n in numbers if n >= len(_PARTS))
        values = [known[place] for place in places if place < len(known) and known[place]]
        if values:
            found[line] = tuple(link(value, part) for value in values for part in parts)
    return plain, found
