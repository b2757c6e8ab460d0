"""Arrows between the memories, by the steps of the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attn_dsl.render.canvas import Item, Label, Lines, Point, text_width
from attn_dsl.render.palette import LINE, QUIET_INK
from attn_dsl.render.tiles.blocks import short
from attn_dsl.render.tiles.layout import SMALL, TIERS, Placed, Row
from attn_dsl.render.tiles.view import TilesView
from attn_dsl.tile import Contract, Load, RowMax, Store

THICK = 1.3
NAME = 11.0
STORED = ("store", "at the end")


@dataclass(frozen=True)
class Site:
    """Both rows of matrices between the bars of global memory: `ceiling` and `floor` are edges."""

    view: TilesView
    upper: Row
    lower: Row
    ceiling: float
    floor: float

    def find(self, buffer: str) -> Placed:
        """Where the matrix of a buffer is."""
        return self.upper.blocks.get(buffer) or self.lower.blocks[buffer]

    @property
    def right(self) -> float:
        """Where the words at the last store end, which are beside its arrow."""
        stores = [step for step in self.view.program.epilogue if isinstance(step, Store)]
        return self.find(stores[-1].buffer).middle + 8 + text_width(STORED[1], SMALL)

    def symbol(self, buffer: str) -> str:
        """What the value of a global buffer is called."""
        return short(self.view.symbols[buffer])


def arrows(site: Site) -> Iterator[Item]:
    """All arrows, with a word each."""
    program = site.view.program
    for steps, often in ((program.prologue, "query tile"), (site.view.steps, "key tile")):
        for step in steps:
            if isinstance(step, Load):
                symbol = site.symbol(step.source)
                yield from _load(site, site.find(step.into), symbol, f"each {often}")
            elif isinstance(step, Contract):
                yield from _product(step, site.find(step.rhs), site.find(step.into))
    yield from _captured(site)
    stores = [step for step in program.epilogue if isinstance(step, Store)]
    for step in stores:
        placed = site.find(step.buffer)
        yield from _arrow((placed.middle, site.lower.bottom), (placed.middle, site.floor))
        yield from _below(site, placed, site.symbol(step.into))
        if step is stores[-1]:
            level = (site.lower.bottom + site.floor) / 2
            yield from _words(placed.middle + 8, level, *STORED)
    yield from _weights(site)


def _load(site: Site, placed: Placed, name: str, often: str) -> Iterator[Item]:
    """From the bar that is nearer to the matrix; what is loaded stands in the bar."""
    if placed.block.buffer in site.upper.blocks:
        start, end = site.ceiling, site.upper.top
        yield Label(placed.middle, site.ceiling - 9, name, NAME, bold=True)
    else:
        start, end = site.floor, site.lower.bottom
        yield from _below(site, placed, name)
    yield from _arrow((placed.middle, start), (placed.middle, end))
    yield from _words(placed.middle + 8, (start + end) / 2, "load", often)


def _below(site: Site, placed: Placed, name: str) -> Iterator[Item]:
    yield Label(placed.middle, site.floor + 17, name, NAME, bold=True)


def _captured(site: Site) -> Iterator[Item]:
    """What the mask and the scores read beside query and key."""
    view = site.view
    names = [b.name for b in view.program.captured if b.name not in view.absent]
    if names:
        room = int(site.upper.blocks["scores"].frame.width / NAME)
        shown = short(", ".join(names), max(8, room))
        yield from _load(site, site.find("scores"), shown, "where it is read")


def _product(step: Contract, rhs: Placed, into: Placed) -> Iterator[Item]:
    """From the right operand's frame to that of the product, which is beside it."""
    left, right = rhs.frame.x + rhs.frame.width, into.frame.x
    if left >= right:
        return
    level = rhs.level
    yield from _arrow((left, level), (right, level))
    words = ("multiply,", "add") if step.accumulate else ("multiply",)
    for word, y in zip(words, (level - 7, level + 14), strict=False):
        yield Label((left + right) / 2, y, word, SMALL, QUIET_INK)


def _weights(site: Site) -> Iterator[Item]:
    """From the scores down to the weights that are made of them."""
    scores, weights = site.find("scores"), site.find("weights")
    lane = (site.upper.bottom + site.lower.top) / 2
    start, turn = (scores.middle, site.upper.bottom), (scores.middle, lane)
    path = (start, turn, (weights.middle, lane), (weights.middle, site.lower.top))
    yield Lines((path,), LINE, THICK, arrow=True)
    softmax = any(isinstance(step, RowMax) for step in site.view.program.body)
    made = "softmax: update m and l, A = exp(s − m)" if softmax else "A = s"
    there = TIERS[weights.block.tier].lower()
    how = f"stays in {there}" if weights.block.tier is scores.block.tier else f"store in {there}"
    yield Label(scores.middle - 10, lane - 6, f"{made}; {how}", SMALL, QUIET_INK, "end")


def _arrow(start: Point, end: Point) -> Iterator[Item]:
    yield Lines(((start, end),), LINE, THICK, arrow=True)


def _words(x: float, y: float, *words: str) -> Iterator[Item]:
    """Lines of words to the right of an arrow."""
    for line, word in enumerate(words):
        below = y + 13 * (line - (len(words) - 1) / 2) + 3.5
        yield Label(x, below, word, SMALL, QUIET_INK, "start")
