"""What strength of colour is what number, and how a picture says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attn_dsl.render.canvas import Item, Label, Lines, Rect
from attn_dsl.render.palette import HATCH, HEAT, HIDDEN, LINE, PLAIN, QUIET_INK
from attn_dsl.render.trace.hatch import strokes
from attn_dsl.render.trace.numbers import NDArray, number

SIZE = 10.0


@dataclass(frozen=True)
class Scale:
    """The numbers with no colour, and with all of it; a `root` shows more of the small ones."""

    low: float
    high: float
    root: bool = False

    def strength(self, x: float) -> float:
        """How much colour, from 0 to 1; none for what is no number."""
        if math.isnan(x):
            return 0.0
        if self.high == self.low:
            return 0.5
        part = min(1.0, max(0.0, (x - self.low) / (self.high - self.low)))
        return math.sqrt(part) if self.root else part

    @property
    def middle(self) -> float:
        """The number with half of the colour."""
        return self.low + (self.high - self.low) * (0.25 if self.root else 0.5)


def score_scale(scores: NDArray) -> Scale:
    """From the least to the greatest that is finite."""
    finite = scores[np.isfinite(scores)]
    return Scale(float(finite.min()), float(finite.max())) if len(finite) else Scale(0.0, 0.0)


def weight_scale(weights: Sequence[NDArray]) -> Scale:
    """From 0 to the greatest; from the least, if there are any below 0."""
    finite = np.concatenate([np.zeros(1), *(x[np.isfinite(x)] for x in weights)])
    low, high = float(finite.min()), float(finite.max())
    return Scale(low, high, root=low == 0)


def scale_bar(x: float, y: float, what: str, scale: Scale) -> Iterator[Item]:
    """What strength of colour is what number."""
    yield Label(x, y + 11, what, 11, anchor="start")
    start, steps, wide = x + 60, 20, 10.0
    yield Rect(start, y, steps * wide, 13, PLAIN)
    for at in range(steps):
        yield Rect(start + at * wide, y, wide, 13, HEAT, opacity=(at + 0.5) / steps)
    yield Rect(start, y, steps * wide, 13, stroke=LINE, thick=0.8)
    for at, value in enumerate((scale.low, scale.middle, scale.high)):
        place = start + at * steps * wide / 2
        yield Label(place, y + 26, number(value), SIZE, QUIET_INK)


def hidden_sign(x: float, y: float) -> Iterator[Item]:
    """What hatching means."""
    cell = np.ones((1, 1), bool)
    yield Rect(x, y, 28, 13, HIDDEN)
    yield Lines(strokes(cell, x, y, 28, 13), HATCH, 0.8)
    yield Rect(x, y, 28, 13, stroke=LINE, thick=0.8)
    yield Label(x + 35, y + 11, "hidden by the mask", 11, anchor="start")
