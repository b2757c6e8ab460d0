"""Arrows between the memories, by the steps of the program."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.render.canvas import Item, Label, Lines, Point
from attn_dsl.render.palette import LINE, QUIET_INK
from attn_dsl.render.tiles.blocks import short
from attn_dsl.render.tiles.layout import SMALL, TIERS, Placed, Row
from attn_dsl.render.tiles.view import TilesView
from attn_dsl.tile import Contract, Load, RowMax, Store

THICK = 1.3


def arrows(view: TilesView, upper: Row, lower: Row, ceiling: float, floor: float) -> Iterator[Item]:
    """All arrows; `ceiling` and `floor` are the edges of global memory above and below."""
    program = view.program
    for steps, often in ((program.prologue, "each query tile"), (view.steps, "each key tile")):
        for step in steps:
            if isinstance(step, Load):
                name = view.program.buffer(step.source).value or ""
                above = upper.find(step.into)
                placed = above or lower.find(step.into)
                assert placed is not None
                ends = (ceiling, upper.top) if above else (floor, lower.bottom)
                yield from _between(
                    placed, ends, ceiling, _shown(view, step.source, name), ("load", often)
                )
    yield from _captured(view, upper, ceiling)
    stores = [step for step in program.epilogue if isinstance(step, Store)]
    for step in stores:
        placed = lower.find(step.buffer)
        assert placed is not None
        words = ("store", "each query tile") if step is stores[-1] else ()
        name = program.buffer(step.into).value or ""
        yield from _between(
            placed, (lower.bottom, floor), ceiling, _shown(view, step.into, name), words
        )
    products = [step for step in view.steps if isinstance(step, Contract)]
    for row, product in zip((upper, lower), products, strict=False):
        yield from _product(product, row)
    yield from _weights(view, upper, lower)


def _shown(view: TilesView, buffer: str, value: str) -> str:
    return short(view.symbols.get(buffer, value))


def _captured(view: TilesView, upper: Row, ceiling: float) -> Iterator[Item]:
    """What the mask and the scores read beside them."""
    names = [b.name for b in view.program.captured if b.name not in view.absent]
    scores = upper.find("scores")
    assert scores is not None
    if names:
        shown = short(", ".join(names), 30)
        yield from _between(scores, (ceiling, upper.top), ceiling, shown, ("load", "where needed"))


def _between(
    placed: Placed, ends: tuple[float, float], ceiling: float, name: str, words: tuple[str, ...]
) -> Iterator[Item]:
    """An arrow between a matrix and global memory, in which the name of the value stands."""
    start, end = ends
    yield from _arrow((placed.middle, start), (placed.middle, end))
    bar = ceiling - 9 if start == ceiling else max(ends) + 17
    yield Label(placed.middle, bar, name, 11, bold=True)
    yield from _words(placed.middle + 8, (start + end) / 2, *words)


def _product(step: Contract, row: Row) -> Iterator[Item]:
    """From the right operand to the product, through the gap between their frames."""
    rhs, into = row.find(step.rhs), row.find(step.into)
    assert rhs is not None
    assert into is not None
    left, right = _frame_right(row, rhs), _frame_left(row, into)
    middle = _level(row)
    if left < right:
        yield from _arrow((left, middle), (right, middle))
        said = ("multiply,", "add") if step.accumulate else ("multiply",)
        for line, word in enumerate(said):
            y = middle - 7 if not line else middle + 14
            yield Label((left + right) / 2, y, word, SMALL, QUIET_INK)


def _weights(view: TilesView, upper: Row, lower: Row) -> Iterator[Item]:
    """From the scores down to the weights that are made of them."""
    scores, weights = upper.find("scores"), lower.find("weights")
    assert scores is not None
    assert weights is not None
    lane = (upper.bottom + lower.top) / 2
    start, turn = (scores.middle, upper.bottom), (scores.middle, lane)
    path: tuple[Point, ...] = (start, turn, (weights.middle, lane), (weights.middle, lower.top))
    yield Lines((path,), LINE, THICK, arrow=True)
    softmax = any(isinstance(step, RowMax) for step in view.program.body)
    made = "softmax: update m and l, A = exp(s − m)" if softmax else "A = s"
    stays = weights.block.tier is scores.block.tier
    there = "stays in registers" if stays else f"store in {TIERS[weights.block.tier].lower()}"
    yield Label(scores.middle - 10, lane - 6, f"{made}; {there}", SMALL, QUIET_INK, "end")


def _level(row: Row) -> float:
    placed = row.blocks[0]
    return placed.y + placed.block.height / 2


def _frame_right(row: Row, placed: Placed) -> float:
    return next(f.x + f.width for f in row.frames if f.x <= placed.x <= f.x + f.width)


def _frame_left(row: Row, placed: Placed) -> float:
    return next(f.x for f in row.frames if f.x <= placed.x <= f.x + f.width)


def _arrow(start: Point, end: Point) -> Iterator[Item]:
    yield Lines(((start, end),), LINE, THICK, arrow=True)


def _words(x: float, y: float, *words: str) -> Iterator[Item]:
    for line, word in enumerate(words):
        below = y + 13 * (line - (len(words) - 1) / 2) + 3.5
        yield Label(x, below, word, SMALL, QUIET_INK, "start")
