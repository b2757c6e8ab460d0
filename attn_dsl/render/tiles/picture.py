"""The picture of a tiled attention: its matrices in cache and registers, as a canvas."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.render.canvas import Canvas, Item, Label, Rect
from attn_dsl.render.output import Picture
from attn_dsl.render.palette import FRAME_LINE, FRAMES, QUIET_INK
from attn_dsl.render.tiles.arrows import Site, arrows
from attn_dsl.render.tiles.blocks import lower, upper
from attn_dsl.render.tiles.frames import middle
from attn_dsl.render.tiles.layout import BETWEEN, TIERS, lay_out
from attn_dsl.render.tiles.legend import description, legend
from attn_dsl.render.tiles.plan import Place, plan
from attn_dsl.render.tiles.view import TilesView
from attn_dsl.render.tiles.words import caption, heading
from attn_dsl.tile import Tier

MARGIN = 24.0
BAR, GAP = 26.0, 44.0
"""Pixels of the bars of global memory, and between these and the rows."""


def tiles_picture(view: TilesView, still: bool = True) -> Picture:
    """The picture, with one tile highlighted if it is `still`, else as the ground of a slider.

    Raises DiagnosticError (E083) for what is too large to be drawn.
    """
    return Picture(_canvas(view, middle(view) if still else None))


def _canvas(view: TilesView, now: Place | None) -> Canvas:
    shown = plan(view, now)
    head = heading(view, MARGIN, MARGIN)
    top = head.bottom + 18
    first = lay_out(upper(shown), MARGIN, top + BAR + GAP)
    second = lay_out(lower(shown), MARGIN, first.bottom + GAP, first.right)
    first = lay_out(upper(shown), MARGIN, top + BAR + GAP, second.right)
    floor = second.bottom + GAP
    site = Site(view, first, second, top + BAR, floor)
    foot = legend(shown, MARGIN, floor + BAR + 22)
    said = caption(shown, MARGIN, foot.bottom + 6)
    items = (
        *head.items,
        *_bar(top, first.right, site.find("scores").frame.x - BETWEEN / 2, "middle"),
        *_bar(floor, second.right, MARGIN + 14, "start"),
        *first.items,
        *second.items,
        *arrows(site),
        *foot.items,
        *said.items,
    )
    width = max(first.right, head.right, foot.right, said.right, site.right) + MARGIN
    return Canvas(width, said.bottom + MARGIN, view.title, description(shown), items)


def _bar(y: float, right: float, x: float, anchor: str) -> Iterator[Item]:
    """Global memory, from which all is loaded and to which the result goes.

    Its name stands at `x`, where no arrow is.
    """
    yield Rect(MARGIN, y, right - MARGIN, BAR, FRAMES[1], FRAME_LINE, radius=6)
    yield Label(x, y + 17, TIERS[Tier.GLOBAL], 11, QUIET_INK, anchor, bold=True)
