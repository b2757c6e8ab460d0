"""The matrices of a program: which there are, in which memory, how large, and their cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attn_dsl.ir import Dim
from attn_dsl.render.canvas import Group, Item, Point
from attn_dsl.render.links import link
from attn_dsl.render.tiles.cells import strip
from attn_dsl.render.tiles.matrix import matrix
from attn_dsl.render.tiles.plan import Plan
from attn_dsl.render.tiles.view import TilesView
from attn_dsl.tile import Hide, Tier

BREADTH, NARROW = 58.0, 20.0
"""Pixels across the head dim, which is not to scale, and across a column of single numbers."""
LETTERS = {"weights": "A", "maximum": "m", "total": "l", "lse": "L"}
"""What is no value of the graph; the log-sum-exp beside an attention is called so too."""

Draw = Callable[[Point], tuple[Item, ...]]


@dataclass(frozen=True)
class Block:
    """A matrix: its buffer on chip, where that is, what is written above and below it.

    `items` draws it with its corner at a point.
    """

    buffer: str
    tier: Tier
    width: float
    height: float
    title: str
    below: tuple[str, ...]
    items: Draw


def upper(plan: Plan) -> list[Block]:
    """Query, key, and the scores that are made of them."""
    return [
        _strip(plan, "query_tile", "query", "query", "q"),
        _strip(plan, "key_tile", "key", "key", "k"),
        _scores(plan, "scores", "score"),
    ]


def lower(plan: Plan) -> list[Block]:
    """The running maximum and sum, the weights, the value, and what the kernel stores."""
    known = {buffer.name for buffer in plan.view.program.buffers}
    names = [name for name in ("maximum", "total") if name in known]
    found = [_strip(plan, name, "", "running", "q") for name in names]
    found.append(_scores(plan, "weights", "weight"))
    if "value_tile" in known:
        found.append(_strip(plan, "value_tile", "value", "value", "k"))
        found.append(_strip(plan, "accumulator", "out", "output", "q"))
    if "lse" in known:
        found.append(_strip(plan, "lse", "", "output", "q"))
    return found


def _strip(plan: Plan, buffer: str, whole: str, kind: str, axis: str) -> Block:
    """A matrix with a cell for each tile along `axis`; `whole` is the buffer that it is part of."""
    high, wide = plan.side
    rows, columns = plan.view.tiles.shape
    across = BREADTH if whole else NARROW
    if kind == "key":
        size, shape = (wide, across), (columns * wide, across)
    else:
        along, count = (high, rows) if axis == "q" else (wide, columns)
        size, shape = (across, along), (across, count * along)

    def draw(corner: Point) -> tuple[Item, ...]:
        items = strip(plan, kind, axis, size, corner)
        return (Group(items, kind=f"matrix {kind}", data=_links(plan.view, buffer, whole)),)

    return _block(plan.view, buffer, whole, shape, draw)


def _scores(plan: Plan, buffer: str, kind: str) -> Block:
    """A matrix with a cell for each pair of a query tile and a key tile."""
    high, wide = plan.side
    rows, columns = plan.view.tiles.shape

    def draw(corner: Point) -> tuple[Item, ...]:
        items = matrix(plan, kind, corner)
        return (Group(items, kind=f"matrix {kind}", data=_links(plan.view, buffer, "")),)

    return _block(plan.view, buffer, "", (columns * wide, rows * high), draw)


def _block(view: TilesView, buffer: str, whole: str, size: Point, draw: Draw) -> Block:
    found = view.program.buffer(buffer)
    shapes = [_shape(view, view.program.buffer(whole).shape)] if whole else []
    below = (*shapes, f"tile {_shape(view, found.shape)}")
    return Block(buffer, found.tier, *size, _title(view, buffer, whole), below, draw)


def _shape(view: TilesView, dims: tuple[Dim, ...]) -> str:
    return " × ".join(str(view.size(dim)) for dim in dims)


def _links(view: TilesView, buffer: str, whole: str) -> dict[str, str]:
    """The names that the matrix shares with other elements of a page."""
    name = view.program.name
    parts = {"scores": ("scores", "mask"), "accumulator": ("values",)}
    own = () if whole in ("query", "key", "value") else parts.get(buffer, ("softmax",))
    found = [link(name, part) for part in own]
    if whole:
        found.append(link(view.program.buffer(whole).value or name))
    return {"link": " ".join(found)}


def _title(view: TilesView, buffer: str, whole: str) -> str:
    """What the matrix is called."""
    names = {name: short(symbol) for name, symbol in view.symbols.items()}
    if buffer == "scores":
        masked = any(isinstance(step, Hide) for step in view.steps)
        return f"{names['query']} {names['key']}ᵀ" + " + mask" * masked
    if whole:
        return names[whole] + "ᵀ" * (whole == "key")
    return LETTERS[buffer]


def short(name: str, length: int = 12) -> str:
    """At most so many letters of a name."""
    return name if len(name) <= length else f"{name[: length - 1]}…"
