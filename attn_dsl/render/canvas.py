"""A picture as data: rectangles, lines and labels in groups, with the origin at the top left.

Units are CSS pixels. Colours are the light ones of `palette.py`, or empty for none. What a
picture shows is decided by whoever makes it; `canvas_svg.py` and `canvas_dot.py` write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from attn_dsl.render.labels import printable, split_indices
from attn_dsl.render.palette import INK, LINE

Point = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """A rectangle; `opacity` is that of its fill."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    thick: float = 1.0
    radius: float = 0.0
    dashed: bool = False
    opacity: float = 1.0


@dataclass(frozen=True)
class Patches:
    """Rectangles of one colour, `(x, y, width, height)` each: one path, however many there are."""

    places: tuple[tuple[float, float, float, float], ...]
    fill: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Lines:
    """Lines through points, each of its own; with an arrow head at the end of each if `arrow`."""

    paths: tuple[tuple[Point, ...], ...]
    stroke: str = LINE
    thick: float = 1.0
    arrow: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Label:
    """One line of text on the baseline `y`; indices as in `d_k` and `K^T` are set as such.

    A `plain` text, such as a token, and a `mono` one, which is code, have no indices.
    `anchor` is `start`, `middle` or `end`: which part of the text is at `x`.
    """

    x: float
    y: float
    text: str
    size: float = 12.0
    color: str = INK
    anchor: str = "middle"
    bold: bool = False
    mono: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Group:
    """Items that belong together.

    `title` is read out for it, and shown where the mouse rests; `kind` is its CSS class, `data`
    its `data-` attributes, by which a page finds it.
    """

    items: tuple[Item, ...]
    title: str = ""
    kind: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


Item = Rect | Patches | Lines | Label | Group


@dataclass(frozen=True)
class Canvas:
    """A picture of this size, its title, and what it shows in words for who cannot see it."""

    width: float
    height: float
    title: str
    description: str
    items: tuple[Item, ...]


def flat(items: tuple[Item, ...]) -> Iterator[Rect | Patches | Lines | Label]:
    """What is drawn, from the back to the front, without its groups."""
    for item in items:
        if isinstance(item, Group):
            yield from flat(item.items)
        else:
            yield item


def label_pieces(label: Label) -> list[tuple[str, str]]:
    """What is printed, in pieces, each with `SUB`, `SUP`, or nothing for what is no index."""
    text = printable(label.text)
    return [(text, "")] if label.plain or label.mono else split_indices(text)


def text_width(text: str, size: float, *, mono: bool = False) -> float:
    """About how wide `text` is, in any sans-serif font: wide enough to leave room for it."""
    return len(text) * size * (0.62 if mono else 0.56)


def arrow_head(points: tuple[Point, ...], size: float = 6.0) -> tuple[Point, Point, Point]:
    """The triangle at the end of a line through `points`, its tip first."""
    (x0, y0), (x1, y1) = points[-2:]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 or 1.0
    dx, dy = (x1 - x0) / length * size, (y1 - y0) / length * size
    x, y = x1 - dx, y1 - dy
    return (x1, y1), (x - dy * 0.42, y + dx * 0.42), (x + dy * 0.42, y - dx * 0.42)
