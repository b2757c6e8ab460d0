"""The matrices of a program: which there are, in which memory, how large, and their cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from attn_dsl.ir import Dim
from attn_dsl.render.canvas import Group, Item, Point
from attn_dsl.render.links import link
from attn_dsl.render.tiles.cells import Scale, matrix, span, strip
from attn_dsl.render.tiles.view import NDArray, TilesView
from attn_dsl.tile import Hide, Tier

LONGEST, WIDEST_TILE, LEAST = 300.0, 64.0, 4.0
"""Pixels of the longer side of the scores, of a tile at most, and at least."""
LEAST_PART = 2.2
"""Pixels of the smallest part of a tile that is told apart."""
BREADTH, NARROW = 58.0, 20.0
"""Pixels across the head dim, which is not to scale, and across a column of single numbers."""

Place = tuple[int, int]
Kept = Mapping[Place, NDArray]


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
    items: Callable[[Point], tuple[Item, ...]]


def scale_of(view: TilesView) -> Scale:
    """The size of a tile, and the smallest parts of it that can be seen."""
    rows, columns = view.tiles.shape
    program = view.program
    tile = program.query_tile, program.key_tile
    ratio = [min(4.0, max(1.0, side / min(tile))) for side in tile]
    unit = LONGEST / max(rows * ratio[0], columns * ratio[1])
    unit = max(LEAST, min(unit, WIDEST_TILE))
    sides = unit * ratio[0], unit * ratio[1]
    steps = [_step(length, side) for length, side in zip(tile, sides, strict=True)]
    return Scale(*sides, (steps[0], steps[1]))


def _step(tile: int, side: float) -> int:
    """How many queries or keys a part has: the fewest that divide the tile and can be seen."""
    return next(s for s in range(1, tile + 1) if tile % s == 0 and side * s / tile >= LEAST_PART)


def upper(view: TilesView, scale: Scale, kept: Kept, now: Place | None) -> list[Block]:
    """Query, key, and the scores that are made of them."""
    row, column = now or (None, None)
    return [
        _queries(view, scale, "query_tile", "query", row),
        _keys(view, scale, "key_tile", "key", column),
        _scores(view, scale, kept, now, "scores"),
    ]


def lower(view: TilesView, scale: Scale, kept: Kept, now: Place | None) -> list[Block]:
    """The running maximum and sum, the weights, the value, and what the kernel stores."""
    row, column = now or (None, None)
    known = {buffer.name for buffer in view.program.buffers}
    running = [_column(view, scale, name, row) for name in ("maximum", "total") if name in known]
    found = [*running, _scores(view, scale, kept, now, "weights")]
    if "value_tile" in known:
        found.append(_keys(view, scale, "value_tile", "value", column))
        found.append(_queries(view, scale, "accumulator", "output", row))
    if "lse" in known:
        found.append(_column(view, scale, "lse", row))
    return found


def _queries(view: TilesView, scale: Scale, buffer: str, kind: str, now: int | None) -> Block:
    """A matrix with a row for each query tile."""
    name = "query" if kind == "query" else "out"
    rows = len(view.tiles)
    size = (BREADTH, scale.query)
    titles = [f"queries {span(view.queries(row))}" for row in range(rows)]
    links = link(view.program.buffer(name).value or "")
    if kind == "output":
        links = f"{link(view.program.name, 'values')} {links}"
    names = [f"q{row}" for row in range(rows)]
    draw = partial(_strip, kind, size, names, titles, now, links)
    return _block(view, buffer, name, (size[0], rows * size[1]), draw)


def _keys(view: TilesView, scale: Scale, buffer: str, kind: str, now: int | None) -> Block:
    """A matrix with a column for each key tile, or, of values, a row."""
    columns = view.tiles.shape[1]
    size = (scale.key, BREADTH) if kind == "key" else (BREADTH, scale.key)
    whole = (columns * size[0], size[1]) if kind == "key" else (size[0], columns * size[1])
    titles = [f"keys {span(view.keys(column))}" for column in range(columns)]
    links = link(view.program.buffer(kind).value or "")
    names = [f"k{column}" for column in range(columns)]
    draw = partial(_strip, kind, size, names, titles, now, links)
    return _block(view, buffer, kind, whole, draw)


def _column(view: TilesView, scale: Scale, buffer: str, now: int | None) -> Block:
    """A number for each query: the running maximum, the sum, or the log-sum-exp."""
    rows = len(view.tiles)
    kind = "output" if buffer == "lse" else "running"
    size = (NARROW, scale.query)
    titles = [f"queries {span(view.queries(row))}" for row in range(rows)]
    names = [f"q{row}" for row in range(rows)]
    links = link(view.program.name, "softmax")
    draw = partial(_strip, kind, size, names, titles, now, links)
    return _block(view, buffer, "", (size[0], rows * size[1]), draw)


def _strip(
    kind: str,
    size: Point,
    names: list[str],
    titles: list[str],
    now: int | None,
    links: str,
    corner: Point,
) -> tuple[Item, ...]:
    items = strip(kind, *corner, size, names, titles, now)
    return (Group(items, kind=f"matrix {kind}", data={"link": links}),)


def _scores(view: TilesView, scale: Scale, kept: Kept, now: Place | None, buffer: str) -> Block:
    """A cell for each pair of a query tile and a key tile."""
    rows, columns = view.tiles.shape
    kind, wanted = ("score", ("scores", "mask")) if buffer == "scores" else ("weight", ("softmax",))
    links = " ".join(link(view.program.name, part) for part in wanted)

    def draw(corner: Point) -> tuple[Item, ...]:
        items = matrix(view, kind, corner, scale, kept, now)
        return (Group(items, kind=f"matrix {kind}", data={"link": links}),)

    return _block(view, buffer, "", (columns * scale.key, rows * scale.query), draw)


def _block(
    view: TilesView,
    buffer: str,
    whole: str,
    size: Point,
    draw: Callable[[Point], tuple[Item, ...]],
) -> Block:
    found = view.program.buffer(buffer)
    below = [f"tile {_shape(view, found.shape)}"]
    if whole:
        below.insert(0, _shape(view, view.program.buffer(whole).shape))
    return Block(buffer, found.tier, *size, _title(view, buffer, whole), tuple(below), draw)


def _shape(view: TilesView, dims: tuple[Dim, ...]) -> str:
    return " × ".join(str(view.size(dim)) for dim in dims)


def _title(view: TilesView, buffer: str, whole: str) -> str:
    """What the matrix is called."""
    names = {name: short(symbol) for name, symbol in view.symbols.items()}
    if buffer == "scores":
        masked = any(isinstance(step, Hide) for step in view.steps)
        return f"{names['query']} {names['key']}ᵀ" + " + mask" * masked
    if whole:
        return names[whole] + ("ᵀ" if whole == "key" else "")
    return {"weights": "A", "maximum": "m", "total": "l", "lse": "L"}[buffer]


def short(name: str, length: int = 12) -> str:
    """At most so many letters of a name."""
    return name if len(name) <= length else f"{name[: length - 1]}…"
