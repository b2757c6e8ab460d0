"""The words around a picture of tiles: what is computed, at which sizes, what is highlighted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from attn_dsl.render.canvas import Item, Label, text_width
from attn_dsl.render.palette import INK, QUIET_INK
from attn_dsl.render.tiles.frames import row_frames
from attn_dsl.render.tiles.plan import Plan
from attn_dsl.render.tiles.view import TilesView

TITLE, TEXT, SMALL = 17.0, 12.0, 11.0
LINE_HEIGHT = 19.0


@dataclass(frozen=True)
class Section:
    """Items, and where they end."""

    items: tuple[Item, ...]
    right: float
    bottom: float


def heading(view: TilesView, left: float, top: float) -> Section:
    """The title, and what is computed."""
    title = Label(left, top + TITLE, view.title, TITLE, INK, "start", bold=True)
    right = left + text_width(view.title, TITLE * 1.08)
    items: list[Item] = [title]
    y = top + TITLE + 8
    for line in map(_rooted, view.formula):
        y += LINE_HEIGHT - 2
        items.append(Label(left, y, line, TEXT, INK, "start", mono=True))
        right = max(right, left + text_width(line, TEXT, mono=True))
    for line in facts(view):
        y += LINE_HEIGHT - 2
        items.append(Label(left, y, line, SMALL, QUIET_INK, "start"))
        right = max(right, left + text_width(line, SMALL))
    return Section(tuple(items), right, y)


def _rooted(line: str) -> str:
    """With the sign of the root of a single name."""
    return re.sub(r"\bsqrt\((\w+)\)", r"√\1", line)


def facts(view: TilesView) -> Iterator[str]:
    """Sizes, the head, the tiles, and where the inputs come from."""
    program = view.program
    shown = (program.query_length, program.key_length, program.head_dim, program.value_dim)
    dims = dict.fromkeys(s for dim in (*program.batch, *shown) for s in dim.symbols)
    sizes = ", ".join(f"{symbol}={view.sizes[symbol]}" for symbol in dims)
    tile = f"tiles of {program.query_tile} queries × {program.key_tile} keys"
    yield "; ".join(part for part in (sizes, tile, _heads(view)) if part)
    yield from view.notes


def _heads(view: TilesView) -> str:
    """Which head this is, if there are several, and which of the keys' it reads."""
    heads = prod(view.size(dim) for dim in view.program.batch)
    if heads <= 1:
        return ""
    b, h = view.head
    same = "" if view.program.differs_by("b", "h") else ", whose tiles are those of all heads"
    groups = view.program.groups
    reads = ""
    if groups is not None:
        many, few = (view.size(dim) for dim in groups)
        reads = f", which reads head {h // (many // few)} of {few} of the keys"
    return f"head {h} of batch {b}{reads}{same}"


def caption(plan: Plan, left: float, top: float) -> Section:
    """What is highlighted: a step of the loop, and the running numbers after it."""
    view, now = plan.view, plan.now
    if now is None:
        return Section((), left, top)
    frame = next(f for f in row_frames(view, now[0]) if f.at == (f"q{now[0]}", f"k{now[1]}"))
    lines = [f"highlighted, and all that is on chip at this step: {frame.label}"]
    if frame.values:
        query = view.queries(now[0])[-1]
        numbers = ", ".join(f"{name} = {value}" for name, value in frame.values.items())
        lines.append(f"running maximum and sum of query {query} after it: {numbers}")
    y = top + 11
    items = tuple(
        Label(left, y + LINE_HEIGHT * i, line, TEXT, INK, "start") for i, line in enumerate(lines)
    )
    right = left + max(text_width(line, TEXT) for line in lines)
    return Section(items, right, top + LINE_HEIGHT * len(lines))
