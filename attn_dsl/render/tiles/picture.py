"""The picture of a tiled attention: its matrices in cache and registers, as a canvas."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.render.canvas import Canvas, Item, Label, Rect
from attn_dsl.render.output import Picture
from attn_dsl.render.palette import FRAME_LINE, FRAMES, QUIET_INK
from attn_dsl.render.tiles.arrows import arrows
from attn_dsl.render.tiles.blocks import Place, lower, scale_of, upper
from attn_dsl.render.tiles.frames import middle
from attn_dsl.render.tiles.layout import TIERS, lay_out
from attn_dsl.render.tiles.legend import caption, description, heading, legend
from attn_dsl.render.tiles.scores import parts
from attn_dsl.render.tiles.view import TilesView
from attn_dsl.tile import Tier

MARGIN = 24.0
BAR, GAP = 26.0, 44.0
"""Pixels of the bars of global memory, and between these and the rows."""

SIGNS = {"key_tile": "×", "scores": "→", "value_tile": "×", "accumulator": "→"}
"""What stands before the matrix of a buffer."""


def tiles_picture(view: TilesView, still: bool = True) -> Picture:
    """The picture, with one tile highlighted if it is `still`, else as the ground of a slider.

    Raises DiagnosticError (E083) for what is too large to be drawn.
    """
    return Picture(_canvas(view, middle(view) if still else None))


def _canvas(view: TilesView, now: Place | None) -> Canvas:
    scale = scale_of(view)
    kept = parts(view, scale.step)
    head = heading(view, MARGIN, MARGIN)
    top = head.bottom + 18
    blocks = upper(view, scale, kept, now)
    first = lay_out(blocks, [SIGNS.get(b.buffer, "") for b in blocks], MARGIN, top + BAR + GAP)
    blocks = lower(view, scale, kept, now)
    signs = [SIGNS.get(b.buffer, "") for b in blocks]
    second = lay_out(blocks, signs, MARGIN, first.bottom + GAP)
    floor = second.bottom + GAP
    foot = legend(view, kept, MARGIN, floor + BAR + 22)
    said = caption(view, now, MARGIN, foot.bottom + 6)
    right = max(row.right for row in (first, second))
    items = (
        *head.items,
        *_bar(top, right, "end"),
        *_bar(floor, right, "start"),
        *first.items,
        *second.items,
        *arrows(view, first, second, top + BAR, floor),
        *foot.items,
        *said.items,
    )
    width = max(right, head.right, foot.right, said.right) + MARGIN
    return Canvas(width, said.bottom + MARGIN, view.title, description(view, kept), items)


def _bar(y: float, right: float, anchor: str) -> Iterator[Item]:
    """Global memory, from which all is loaded and to which the result goes.

    Its name stands at the end at which no arrow is.
    """
    yield Rect(MARGIN, y, right - MARGIN, BAR, FRAMES[1], FRAME_LINE, radius=6)
    x = MARGIN + 14 if anchor == "start" else right - 14
    yield Label(x, y + 17, TIERS[Tier.GLOBAL], 11, QUIET_INK, anchor, bold=True)
