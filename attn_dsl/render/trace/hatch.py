"""Hatching: strokes across all cells that are hidden, however small these are."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.render.canvas import Point, Rect
from attn_dsl.render.palette import HIDDEN
from attn_dsl.render.trace.numbers import NDArray

APART = 9.0
"""Pixels from one stroke to the next, along a row."""
Run = tuple[int, int, int]
"""A row, and the first and the last but one column of neighbours in it that are hidden."""


def runs(hidden: NDArray) -> Iterator[Run]:
    """What is hidden in each row, neighbours together."""
    for row, cells in enumerate(hidden.tolist()):
        start = None
        for column, cell in enumerate([*cells, False]):
            if cell and start is None:
                start = column
            elif not cell and start is not None:
                yield row, start, column
                start = None


def grounds(hidden: NDArray, x: float, y: float, wide: float, tall: float) -> Iterator[Rect]:
    """A rectangle for each run, with the map's corner at (x, y) and cells of this size."""
    for row, first, last in runs(hidden):
        yield Rect(x + first * wide, y + row * tall, (last - first) * wide, tall, HIDDEN)


def strokes(
    hidden: NDArray, x: float, y: float, wide: float, tall: float
) -> tuple[tuple[Point, Point], ...]:
    """Lines that rise to the right, through neighbouring rows without a break."""
    lines: dict[int, list[tuple[Point, Point]]] = {}
    for row, first, last in runs(hidden):
        top, left, right = row * tall, first * wide, last * wide
        bottom = top + tall
        for at in range(int((left + top) // APART) + 1, int((right + bottom) // APART) + 1):
            total = at * APART  # a stroke is where across and down sum to this
            high, low = max(top, total - right), min(bottom, total - left)
            if low <= high:
                continue
            stroke = (x + total - low, y + low), (x + total - high, y + high)
            of_total = lines.setdefault(at, [])
            if of_total and of_total[-1][0] == (x + total - high, y + high):
                stroke = stroke[0], of_total.pop()[1]
            of_total.append(stroke)
    return tuple(line for at in sorted(lines) for line in lines[at])
