"""Where the matrices stand: in rows, with a frame around those that lie in one memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from attn_dsl.render.canvas import Item, Label, Rect, text_width
from attn_dsl.render.palette import FRAME_LINE, FRAMES, QUIET_INK
from attn_dsl.render.tiles.blocks import Block
from attn_dsl.tile import Tier

PAD, SIGN, BESIDE = 14.0, 30.0, 12.0
"""Pixels inside a frame's border, for a sign between matrices, and between those without one."""
HEAD, FOOT = 46.0, 36.0
"""Pixels above a matrix, for the names of its memory and its own, and below it, for its sizes."""
BETWEEN = 64.0
"""Pixels between frames, for an arrow or a sign."""
SMALL, PLAIN_SIZE, LARGE = 10.0, 12.0, 20.0
TIERS = {Tier.GLOBAL: "Global memory", Tier.CACHE: "Cache", Tier.REGISTER: "Registers"}
FILLS = {Tier.GLOBAL: FRAMES[1], Tier.CACHE: FRAMES[1], Tier.REGISTER: FRAMES[0]}


@dataclass(frozen=True)
class Placed:
    """A block with its upper left corner."""

    block: Block
    x: float
    y: float

    @property
    def middle(self) -> float:
        """The middle of its width."""
        return self.x + self.block.width / 2


@dataclass(frozen=True)
class Row:
    """Blocks side by side, the frames around them, and everything that is to be drawn."""

    blocks: tuple[Placed, ...]
    frames: tuple[Rect, ...]
    items: tuple[Item, ...]

    @property
    def top(self) -> float:
        """Where the frames begin."""
        return self.frames[0].y

    @property
    def bottom(self) -> float:
        """Where the frames end."""
        return self.frames[0].y + self.frames[0].height

    @property
    def right(self) -> float:
        """Where the last frame ends."""
        return self.frames[-1].x + self.frames[-1].width

    def find(self, buffer: str) -> Placed | None:
        """The block of a buffer, if it is in this row."""
        return next((p for p in self.blocks if p.block.buffer == buffer), None)


def lay_out(blocks: Sequence[Block], signs: Sequence[str], x: float, y: float) -> Row:
    """A row with its upper left corner at (x, y).

    `signs` are what stands before each block: `×`, `→` for an arrow that is drawn later, or
    nothing. Neighbours in one memory share a frame.
    """
    height = max(block.height for block in blocks)
    placed: list[Placed] = []
    frames: list[Rect] = []
    items: list[Item] = []
    pairs = zip(blocks, signs, strict=True)
    for tier, group in groupby(pairs, key=lambda pair: pair[0].tier):
        left = x
        for index, (block, sign) in enumerate(group):
            gap = (SIGN if sign else BESIDE) if index else (BETWEEN if sign else BESIDE)
            if placed:
                items += _sign(sign, x + gap / 2, y + HEAD + height / 2)
                x += gap
            if not index:
                left, x = x, x + PAD
            slot = _slot(block)
            corner = x + (slot - block.width) / 2, y + HEAD + (height - block.height) / 2
            placed.append(Placed(block, *corner))
            items += _named(placed[-1])
            x += slot
        x += PAD
        frame = Rect(left, y, x - left, HEAD + height + FOOT, FILLS[tier], FRAME_LINE, radius=6)
        frames.append(frame)
        name = Label(left + PAD, y + 17, TIERS[tier], 11, QUIET_INK, "start", bold=True)
        items.append(name)
    return Row(tuple(placed), tuple(frames), (*frames, *items))


def _sign(sign: str, x: float, y: float) -> tuple[Item, ...]:
    return (Label(x, y + LARGE * 0.35, sign, LARGE),) if sign == "×" else ()


def _slot(block: Block) -> float:
    """How wide the column of a block is: the matrix, or what is written above and below it."""
    words = [text_width(block.title, PLAIN_SIZE * 1.1)]
    words += [text_width(line, SMALL) for line in block.below]
    return max(block.width, *words)


def _named(placed: Placed) -> tuple[Item, ...]:
    block, middle = placed.block, placed.middle
    title = Label(middle, placed.y - 7, block.title, PLAIN_SIZE, bold=True)
    bottom = placed.y + block.height
    below = [
        Label(middle, bottom + 14 + 13 * line, text, SMALL, QUIET_INK)
        for line, text in enumerate(block.below)
    ]
    return (title, *block.items((placed.x, placed.y)), *below)
