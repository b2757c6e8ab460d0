"""A heat map: a cell for each query and key, as strong in colour as its number is large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from attn_dsl.render.canvas import Group, Item, Label, Lines, Rect
from attn_dsl.render.palette import GRID, HATCH, HEAT, LINE, PLAIN
from attn_dsl.render.trace.axes import Axis, column_names, row_names
from attn_dsl.render.trace.hatch import grounds, strokes
from attn_dsl.render.trace.numbers import NDArray, brief
from attn_dsl.render.trace.panels import Draw
from attn_dsl.render.trace.scale import Scale

READABLE = (34.0, 16.0)
"""Pixels of a cell that has room for its number."""
SIZE = 10.0
FAINT = 0.005
"""Less colour than this nobody sees."""


@dataclass(frozen=True)
class HeatMap:
    """Numbers `[N, M]`, which of them are hidden, and what is said of them.

    `titles` are of the cells, if each is to have one; `links` are of the whole.
    """

    numbers: NDArray
    hidden: NDArray
    scale: Scale
    rows: Axis
    columns: Axis
    kind: str
    links: str
    titles: tuple[tuple[str, ...], ...] = ()

    @property
    def panel(self) -> tuple[float, float, Draw]:
        """What a panel asks of its contents."""
        return self.width, self.height, self.draw

    @property
    def width(self) -> float:
        """With the names of rows."""
        return self.left + len(self.columns.names) * self.columns.size

    @property
    def height(self) -> float:
        """With the names of columns."""
        return self.columns.height + len(self.rows.names) * self.rows.size

    @property
    def left(self) -> float:
        """Pixels for the names of rows."""
        return self.rows.widest + 10

    @cached_property
    def _written(self) -> bool:
        return self.columns.size >= READABLE[0] and self.rows.size >= READABLE[1]

    def draw(self, x: float, y: float, width: float) -> Iterator[Item]:
        """Names, cells, what is hidden, and a frame."""
        left, top = x + self.left, y + self.columns.height
        wide, tall = self.columns.size, self.rows.size
        size = wide * self.numbers.shape[1], tall * self.numbers.shape[0]
        yield from row_names(self.rows, left, top)
        yield from column_names(self.columns, left, top)
        place = left, top, wide, tall
        items = (
            Rect(left, top, *size, PLAIN),
            *grounds(self.hidden, *place),
            Lines(strokes(self.hidden, *place), HATCH, 0.8),
            *self._cells(left, top),
            Rect(left, top, *size, stroke=LINE, thick=0.8),
        )
        yield Group(items, "", self.kind, {"link": self.links})

    def _cells(self, left: float, top: float) -> Iterator[Item]:
        wide, tall = self.columns.size, self.rows.size
        for q, row in enumerate(self.numbers.tolist()):
            for k, x in enumerate(row):
                strength = 0.0 if self.hidden[q, k] else self.scale.strength(x)
                written = self._written and not self.hidden[q, k]
                items = self._cell(left + k * wide, top + q * tall, strength, x, written)
                if self.titles:
                    yield Group(items, self.titles[q][k], "cell")
                elif self._ruled or strength >= FAINT:
                    yield from items

    def _cell(
        self, x: float, y: float, strength: float, value: float, written: bool
    ) -> tuple[Item, ...]:
        """Also where it is not seen it is there, for the mouse."""
        wide, tall = self.columns.size, self.rows.size
        grid = GRID if self._ruled else ""
        cell = Rect(x, y, wide, tall, HEAT, grid, thick=0.5, opacity=strength)
        return (cell, Label(x + wide / 2, y + tall / 2 + 3.5, brief(value), SIZE))[: 1 + written]

    @property
    def _ruled(self) -> bool:
        """Whether there are lines between the cells."""
        return min(self.columns.size, self.rows.size) >= 9
