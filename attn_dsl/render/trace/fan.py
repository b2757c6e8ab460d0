"""Two columns of boxes, and an arrow from each on the left to each on the right.

Every arrow ends on a line of its own, where what is written on it stands, so no two texts can
meet however many arrows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attn_dsl.render.canvas import Group, Item, Label, Lines, Point, Rect, text_width
from attn_dsl.render.palette import FRAMES, HATCH, INK, LINE, QUIET_INK

ROW = 18.0
"""Pixels from one arrow's end to the next."""
GAP = 10.0
PAD = 5.0
LABEL, AROUND = 74.0, 18.0
"""Pixels of the level end of an arrow, and around its label: else lines would look like minuses."""
SIZE = 11.0


@dataclass(frozen=True)
class Box:
    """A box with a short text, as wide as its column."""

    text: str
    fill: str
    title: str
    kind: str
    link: str


@dataclass(frozen=True)
class Arrow:
    """What is written on an arrow, and what its thickness is; a dashed one carries nothing."""

    text: str
    title: str
    kind: str
    link: str
    thick: float = 1.0
    hidden: bool = False


@dataclass(frozen=True)
class Fan:
    """`arrows[i][j]` leads from `left[i]` to `right[j]`."""

    left: tuple[Box, ...]
    right: tuple[Box, ...]
    arrows: tuple[tuple[Arrow, ...], ...]

    @property
    def height(self) -> float:
        """Of the taller column."""
        left, right = len(self.left), len(self.right)
        return max(_height(left, right), _height(right, left))

    def width(self, reach: float) -> float:
        """With `reach` between the columns."""
        return column_width(self.left) + reach + column_width(self.right)

    def middles(self, y: float) -> tuple[float, ...]:
        """Where each box on the right has its middle, if the fan begins at `y`."""
        tall = _box_height(len(self.left))
        tops = self._tops(y, len(self.right), len(self.left))
        return tuple(top + tall / 2 for top in tops)

    def _tops(self, y: float, count: int, others: int) -> list[float]:
        first = y + (self.height - _height(count, others)) / 2
        return [first + at * (_box_height(others) + GAP) for at in range(count)]

    def draw(self, x: float, y: float, width: float) -> Iterator[Item]:
        """Arrows and boxes, in a rectangle from (x, y) on."""
        left, right = column_width(self.left), column_width(self.right)
        sources = self._tops(y, len(self.left), len(self.right))
        targets = self._tops(y, len(self.right), len(self.left))
        end = x + width - right
        for i, row in enumerate(self.arrows):
            for j, arrow in enumerate(row):
                start = (x + left, sources[i] + PAD + (j + 0.5) * ROW)
                yield _arrow(arrow, start, (end, targets[j] + PAD + (i + 0.5) * ROW))
        for box, top in zip(self.left, sources, strict=True):
            yield _box(box, x, top, left, _box_height(len(self.right)))
        for box, top in zip(self.right, targets, strict=True):
            yield _box(box, end, top, right, _box_height(len(self.left)))


def column_width(boxes: tuple[Box, ...]) -> float:
    """Wide enough for each text."""
    return max(44.0, *(text_width(box.text, SIZE + 1) + 16 for box in boxes))


def _box(box: Box, x: float, y: float, width: float, height: float) -> Group:
    """The box with its text in the middle."""
    items = (
        Rect(x, y, width, height, box.fill, LINE, radius=4),
        Label(x + width / 2, y + height / 2 + 4, box.text, SIZE + 1, plain=True),
    )
    return Group(items, box.title, box.kind, {"link": box.link})


def _arrow(arrow: Arrow, start: Point, end: Point) -> Group:
    (x, y), level = end, end[0] - LABEL
    stroke, ink = (HATCH, QUIET_INK) if arrow.hidden else (LINE, INK)
    path = (start, (level, y), (x - 0.5, y))
    middle, wide = (level + x) / 2 - 2, text_width(arrow.text, SIZE) + AROUND
    items = (
        Lines((path,), stroke, arrow.thick, arrow=not arrow.hidden, dashed=arrow.hidden),
        Rect(middle - wide / 2, y - 7, wide, 14, FRAMES[0]),
        Label(middle, y + 4, arrow.text, SIZE, ink),
    )
    return Group(items, arrow.title, arrow.kind, {"link": arrow.link})


def _box_height(others: int) -> float:
    return others * ROW + 2 * PAD


def _height(count: int, others: int) -> float:
    return count * _box_height(others) + (count - 1) * GAP
