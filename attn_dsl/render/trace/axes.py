"""What stands beside the rows and above the columns of a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attn_dsl.render.canvas import Label, text_width
from attn_dsl.render.palette import QUIET_INK
from attn_dsl.render.trace.tokens import shortened

SIZE, LETTER = 10.0, 9.0
LETTERS = 10
"""Of a token."""
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Axis:
    """The name of each row or column, `size` pixels wide or tall, and whether they are tokens."""

    names: tuple[str, ...]
    size: float
    tokens: bool

    @property
    def shown(self) -> tuple[str, ...]:
        """The names, shortened."""
        return tuple(shortened(name, LETTERS) for name in self.names)

    @property
    def widest(self) -> float:
        """Pixels of the longest name."""
        return max(text_width(name, SIZE) for name in self.shown)

    def every(self, room: float) -> int:
        """Of how many names one can be shown, if each needs so many pixels."""
        return next((step for step in STEPS if step * self.size >= room), len(self.names))

    @property
    def level(self) -> bool:
        """Whether all names fit side by side."""
        return self.widest + 4 <= self.size

    @property
    def upright(self) -> bool:
        """Whether names are written downwards: tokens, of which none may be missing."""
        return self.tokens and not self.level and self.size >= LETTER

    @property
    def height(self) -> float:
        """Pixels that the names of columns take."""
        return max(map(len, self.shown)) * LETTER + 4 if self.upright else SIZE + 4


def row_names(axis: Axis, right: float, y: float) -> Iterator[Label]:
    """To the left of `right`, for rows from `y` down."""
    for at in range(0, len(axis.names), axis.every(SIZE + (1 if axis.tokens else 4))):
        middle = y + (at + 0.5) * axis.size + 3.5
        yield Label(right - 5, middle, axis.shown[at], SIZE, QUIET_INK, "end", plain=True)


def column_names(axis: Axis, x: float, bottom: float) -> Iterator[Label]:
    """Above `bottom`, for columns from `x` on."""
    step = 1 if axis.upright else axis.every(axis.widest + 4)
    for at in range(0, len(axis.names), step):
        middle, name = x + (at + 0.5) * axis.size, axis.shown[at]
        if not axis.upright:
            yield Label(middle, bottom - 4, name, SIZE, QUIET_INK, plain=True)
            continue
        for place, letter in enumerate(reversed(name)):
            at_y = bottom - 4 - place * LETTER
            yield Label(middle, at_y, letter, LETTER, QUIET_INK, plain=True)
