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
"""Pixels between frames, for an arrow."""
SMALL, NAME, LARGE = 10.0, 12.0, 20.0
"""The sizes of letters: of words at an arrow, of a matrix's name, of a sign."""
TIERS = {Tier.GLOBAL: "Global memory", Tier.CACHE: "Cache", Tier.REGISTER: "Registers"}
FILLS = {Tier.GLOBAL: FRAMES[1], Tier.CACHE: FRAMES[1], Tier.REGISTER: FRAMES[0]}
SIGNS = {"key_tile": "×", "scores": "→", "value_tile": "×", "accumulator": "→"}
"""What stands before the matrix of a buffer; the arrow is drawn by `arrows.py`."""


@dataclass(frozen=True)
class Placed:
    """A block with its upper left corner, and the frame that it lies in."""

    block: Block
    x: float
    y: float
    frame: Rect

    @property
    def middle(self) -> float:
        """The middle of its width."""
        return self.x + self.block.width / 2

    @property
    def level(self) -> float:
        """The middle of its height."""
        return self.y + self.block.height / 2


@dataclass(frozen=True)
class Row:
    """Blocks side by side by buffer, and everything that is to be drawn."""

    blocks: dict[str, Placed]
    items: tuple[Item, ...]
    top: float
    right: float
    bottom: float


def lay_out(blocks: Sequence[Block], x: float, y: float, until: float = 0.0) -> Row:
    """A row with its upper left corner at (x, y); neighbours in one memory share a frame.

    Its arrow is so long that the row ends at `until`, if it is not too wide for that.
    """
    row = _row(blocks, x, y, BETWEEN)
    return row if row.right >= until else _row(blocks, x, y, BETWEEN + until - row.right)


def _row(blocks: Sequence[Block], x: float, y: float, between: float) -> Row:
    height = max(block.height for block in blocks)
    placed: dict[str, Placed] = {}
    items: list[Item] = []
    for tier, group in groupby(blocks, key=lambda block: block.tier):
        members = list(group)
        if placed:
            x += between if SIGNS.get(members[0].buffer) else BESIDE
        frame = Rect(x, y, _width(members), HEAD + height + FOOT, FILLS[tier], FRAME_LINE, radius=6)
        name = Label(x + PAD, y + 17, TIERS[tier], 11, QUIET_INK, "start", bold=True)
        items += [frame, name]
        left = x + PAD
        for block in members:
            sign = SIGNS.get(block.buffer) if block is not members[0] else None
            if sign:
                at = y + HEAD + height / 2 + LARGE * 0.35
                items.append(Label(left + SIGN / 2, at, sign, LARGE))
            left += _before(block, members)
            above = y + HEAD + (height - block.height) / 2
            where = left + (_slot(block) - block.width) / 2
            placed[block.buffer] = Placed(block, where, above, frame)
            items += _named(placed[block.buffer])
            left += _slot(block)
        x += frame.width
    return Row(placed, tuple(items), y, x, y + HEAD + height + FOOT)


def _width(members: Sequence[Block]) -> float:
    """The width of a frame around these."""
    return 2 * PAD + sum(_before(block, members) + _slot(block) for block in members)


def _before(block: Block, members: Sequence[Block]) -> float:
    """The room before a block in its frame."""
    if block is members[0]:
        return 0.0
    return SIGN if block.buffer in SIGNS else BESIDE


def _slot(block: Block) -> float:
    """How wide the column of a block is: the matrix, or what is written above and below it."""
    words = [text_width(block.title, NAME * 1.1)]
    words += [text_width(line, SMALL) for line in block.below]
    return max(block.width, *words)


def _named(placed: Placed) -> tuple[Item, ...]:
    """The matrix with its name above and its sizes below."""
    block, middle = placed.block, placed.middle
    title = Label(middle, placed.y - 7, block.title, NAME, bold=True)
    bottom = placed.y + block.height
    below = [
        Label(middle, bottom + 14 + 13 * line, text, SMALL, QUIET_INK)
        for line, text in enumerate(block.below)
    ]
    return (title, *block.items((placed.x, placed.y)), *below)
