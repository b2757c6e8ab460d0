"""Where the titles of boxes stand, so that no arrow runs through them.

Graphviz keeps arrows away from boxes, but not from their titles. So a drawing is laid out twice:
the first layout shows which of a box's corners arrows leave free.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CORNERS = [(vertical, side) for vertical in "tb" for side in "lrc"]
_POINTS_PER_INCH = 72
_PAD = 8
_STEP = 4
Point = tuple[float, float]


def free_corners(graph: Any) -> dict[str, tuple[str, str]]:
    """`labelloc` and `labeljust` for every box of `graph`, which has been laid out."""
    points = [list(_along(str(edge.attr["pos"] or ""))) for edge in graph.edges()]
    return {box.name: _free_corner(box, points) for box in _boxes(graph)}


def place_titles(graph: Any, corners: dict[str, tuple[str, str]]) -> None:
    """Move the titles of `graph` to `corners`."""
    for box in _boxes(graph):
        box.graph_attr["labelloc"], box.graph_attr["labeljust"] = corners[box.name]


def _boxes(graph: Any) -> Iterator[Any]:
    for box in graph.subgraphs():
        if str(box.name or "").startswith("cluster"):
            yield box
            yield from _boxes(box)


def _free_corner(box: Any, arrows: list[list[Point]]) -> tuple[str, str]:
    """The first corner that the fewest arrows cross."""
    bounds = [float(n) for n in str(box.graph_attr["bb"]).split(",")]
    sizes = [float(box.graph_attr[name] or 0) for name in ("lwidth", "lheight")]
    width, height = (size * _POINTS_PER_INCH + _PAD for size in sizes)

    def crossed(corner: tuple[str, str]) -> int:
        area = _area(bounds, width, height, *corner)
        return sum(any(area.holds(point) for point in arrow) for arrow in arrows)

    return min(_CORNERS, key=crossed)


@dataclass(frozen=True)
class _Area:
    left: float
    bottom: float
    right: float
    top: float

    def holds(self, point: Point) -> bool:
        return self.left <= point[0] <= self.right and self.bottom <= point[1] <= self.top


def _area(bounds: list[float], width: float, height: float, vertical: str, side: str) -> _Area:
    """What a title covers in a corner of `bounds`."""
    left, bottom, right, top = bounds
    start = {"l": left, "r": right - width, "c": (left + right - width) / 2}[side]
    low = top - height if vertical == "t" else bottom
    return _Area(start, low, start + width, low + height)


def _along(spline: str) -> Iterator[Point]:
    """Points along an arrow; `spline` is Graphviz's `e,x,y x,y x,y …`, cubic Bézier pieces."""
    for piece in spline.split(";"):
        tips = [_point(word[2:]) for word in piece.split() if word[0] in "es"]
        curve = [_point(word) for word in piece.split() if word[0] not in "es"]
        yield from tips
        for a, b, c, d in zip(curve[::3], curve[1::3], curve[2::3], curve[3::3], strict=False):
            steps = 1 + int((math.dist(a, b) + math.dist(b, c) + math.dist(c, d)) / _STEP)
            for i in range(steps + 1):
                yield _bezier(i / steps, a, b, c, d)


def _point(text: str) -> Point:
    x, y = text.split(",")[:2]
    return float(x), float(y)


def _bezier(t: float, *points: Point) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (sum(w * p[i] for w, p in zip(weights, points, strict=True)) for i in (0, 1))
    return x, y
