"""Small matrices with their numbers written in the cells."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.links import link
from attn_dsl.render.canvas import Group, Item, Label, Lines, Rect
from attn_dsl.render.palette import GRID, HATCH, HEAT, HIDDEN, PLAIN, QUIET_INK
from attn_dsl.render.trace.numbers import NDArray, components, number, written
from attn_dsl.render.trace.record import Trace
from attn_dsl.render.trace.tokens import Tokens, shortened
from attn_dsl.render.trace.words import pair_title

WIDE = 58.0
"""Pixels from one column to the next."""
TALL, HEAD = 24.0, 20.0
"""Pixels of a row, and of what stands above the first."""
NAMES = 62.0
"""Pixels for the names of the rows."""
SIZE = 11.0


def draw_vectors(
    x: float, y: float, matrix: NDArray, names: tuple[str, ...], kind: str, fill: str, value: str
) -> Iterator[Item]:
    """A row of cells for each vector of `matrix`, with its first components."""
    for at, vector in enumerate(matrix):
        top = y + at * TALL
        items: list[Item] = [_name(x, top, names[at])]
        for column, text in enumerate(components(vector)):
            left = x + NAMES + column * WIDE
            if text == "…":
                items.append(Label(left + 10, top + 16, text, SIZE))
            else:
                items += _cell(left, top, fill, text)
        title = f"{kind} {names[at]}: {written(vector, 16)}"
        yield Group(tuple(items), title, kind, {"link": link(value)})


def vectors_width(matrix: NDArray) -> float:
    """Pixels from the left of the names to the right of the last component."""
    found = components(matrix[0])
    return NAMES + len(found) * WIDE - (WIDE - 20) * ("…" in found)


def vectors_height(matrix: NDArray) -> float:
    """Pixels of a row for each vector, and of the name of the matrix above."""
    return HEAD + len(matrix) * TALL


def draw_weights(x: float, y: float, trace: Trace, tokens: Tokens) -> Iterator[Item]:
    """The softmax of each query's scores as a row; hatched where the mask hides the key."""
    queries, keys = trace.weights.shape
    for k in range(keys):
        yield _head(x, y, k, tokens.key(k))
    if trace.sink is not None:
        yield _head(x, y, keys, "sink")
    for q in range(queries):
        top = y + HEAD + q * TALL
        yield _name(x, top, tokens.query(q))
        for k in range(keys):
            cell, hidden = (x + NAMES + k * WIDE, top), trace.hidden[q, k]
            items = _hidden(*cell) if hidden else _shaded(*cell, float(trace.weights[q, k]))
            yield _weight(trace, items, pair_title(trace, tokens, q, k))
        if trace.sink is not None:
            taken = float(trace.sink[q])
            title = f"query {tokens.query(q)}: the sink takes {number(taken)}"
            yield _weight(trace, _shaded(x + NAMES + keys * WIDE, top, taken), title)


def weights_width(trace: Trace) -> float:
    """Pixels of names, keys, and a sink if there is one."""
    return NAMES + WIDE * (len(trace.keys) + (trace.sink is not None))


def weights_height(trace: Trace) -> float:
    """Pixels of a row for each query, and one of heads."""
    return HEAD + TALL * len(trace.weights)


def _weight(trace: Trace, items: list[Item], title: str) -> Group:
    return Group(tuple(items), title, "weight", {"link": link(trace.name, "softmax")})


def _name(x: float, top: float, name: str) -> Label:
    return Label(x + NAMES - 6, top + 16, shortened(name, 8), SIZE, anchor="end", plain=True)


def _head(x: float, y: float, column: int, name: str) -> Label:
    text = shortened(name, 7)
    return Label(x + NAMES + (column + 0.5) * WIDE, y + 13, text, SIZE, QUIET_INK, plain=True)


def _cell(x: float, y: float, fill: str, text: str) -> list[Item]:
    return [
        Rect(x, y, WIDE, TALL, fill, GRID, thick=0.6),
        Label(x + WIDE / 2, y + 16, text, SIZE),
    ]


def _shaded(x: float, y: float, weight: float) -> list[Item]:
    """As strong a colour as the weight is large."""
    strength = min(1.0, abs(weight)) if weight == weight else 0.0
    ground = Rect(x, y, WIDE, TALL, PLAIN)
    shade = Rect(x, y, WIDE, TALL, HEAT, opacity=strength)
    return [ground, shade, *_cell(x, y, "", number(weight))]


def _hidden(x: float, y: float) -> list[Item]:
    """Hatched."""
    places = [x + at for at in (0.0, (WIDE - TALL) / 2, WIDE - TALL)]
    strokes = tuple(((left, y + TALL), (left + TALL, y)) for left in places)
    return [Rect(x, y, WIDE, TALL, HIDDEN, GRID, thick=0.6), Lines(strokes, HATCH)]
