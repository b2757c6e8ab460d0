"""Panels with titles, in rows of one width."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from attn_dsl.render.canvas import Item, Label, Rect
from attn_dsl.render.palette import FRAME_LINE, FRAMES, QUIET_INK

PAD, HEAD, LINE = 12.0, 32.0, 15.0
SIZE = 11.0

Draw = Callable[[float, float, float], Iterable[Item]]
"""Draws the contents of a panel from (x, y) on, as wide as it is told."""


@dataclass(frozen=True)
class Panel:
    """A title, a line or more below it, and contents of at least this width and height."""

    title: str
    caption: str
    width: float
    height: float
    draw: Draw
    grows: bool = False


def place(rows: Sequence[Sequence[Panel]], top: float) -> tuple[float, float, tuple[Item, ...]]:
    """The width and height of a picture of these rows, and what is drawn; `top` is above them.

    A panel that `grows` takes what its row is narrower than the widest one.
    """
    inner = max(_width(row) for row in rows)
    items: list[Item] = []
    y = top
    for row in rows:
        widths = [panel.width + panel.grows * (inner - _width(row)) for panel in row]
        captions = [_wrapped(p.caption, wide) for p, wide in zip(row, widths, strict=True)]
        head = HEAD + LINE * max(map(len, captions))
        height = head + max(panel.height for panel in row) + PAD
        x = PAD
        for panel, wide, caption in zip(row, widths, captions, strict=True):
            items += _frame(x, y, wide + 2 * PAD, height, panel.title, caption)
            x += wide + 3 * PAD
        x = PAD
        for panel, wide in zip(row, widths, strict=True):  # in front of all frames of the row
            items += panel.draw(x + PAD, y + head, wide)
            x += wide + 3 * PAD
        y += height + PAD
    return inner + 2 * PAD, y, tuple(items)


def _width(row: Sequence[Panel]) -> float:
    """With the frames, and what is between them."""
    return sum(panel.width + 2 * PAD for panel in row) + PAD * (len(row) - 1)


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, max(20, int(width / (SIZE * 0.58))))


def _frame(
    x: float, y: float, width: float, height: float, title: str, caption: list[str]
) -> Iterator[Item]:
    yield Rect(x, y, width, height, FRAMES[0], FRAME_LINE, radius=6)
    yield Label(x + PAD, y + 21, title, 13, anchor="start", bold=True)
    for at, line in enumerate(caption):
        place = y + 37 + at * LINE
        yield Label(x + PAD, place, line, SIZE, QUIET_INK, "start", plain=True)
