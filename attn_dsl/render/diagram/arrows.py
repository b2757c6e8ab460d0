"""Arrows as Graphviz draws them, and where they end if that is a subgraph."""

from __future__ import annotations

from attn_dsl.render.colors import read_color
from attn_dsl.render.diagram.css import Css, dash_of, line_attributes
from attn_dsl.render.diagram.frames import Frame, Nesting, cluster_name
from attn_dsl.render.theme import AUTHORED
from attn_dsl.syntax import Diagram, Edge

_HEADS = {
    "arrow_point": "normal",
    "arrow_open": "none",
    "arrow_circle": "dot",
    "arrow_cross": "icurvecurve",
}
_STROKES = {
    "thick": {"penwidth": "2.4"},
    "dotted": {"style": "dotted", "penwidth": "1.3"},
    "invisible": {"style": "invis"},
}


def arrow_attributes(edge: Edge, css: Css) -> dict[str, str]:
    """Line and heads of `edge`; what the author's `css` says wins."""
    head = _HEADS[edge.arrow.removeprefix("double_")]
    double = edge.arrow.startswith("double_")
    found = {**_STROKES.get(edge.stroke, {}), **line_attributes(css)}
    if head != "normal" or double:
        found |= {"arrowhead": head, "arrowtail": head if double else "none", "dir": "both"}
    if text := read_color(css.get("color", "")):
        found["fontcolor"] = text
    if edge.stroke != "invisible" and (dash := dash_of(css)):
        found["style"] = dash
    return {**found, "class": AUTHORED} if css else found


class Ends:
    """Finds the node that stands for the end of an arrow.

    Graphviz joins nodes only: an arrow to a subgraph goes to a node inside, and is cut at the
    subgraph's line.
    """

    def __init__(self, diagram: Diagram, root: Frame) -> None:
        self._nesting = Nesting(diagram)
        self._subgraphs = {subgraph.id for subgraph in diagram.subgraphs}
        self._drawn = {frame.id: frame for frame in root.walk()}

    def cuts(self, source: str, target: str) -> tuple[dict[str, str], dict[str, str]]:
        """Where to cut the arrow from `source` to `target`, at its tail and at its head."""
        return self._cut("ltail", source, target), self._cut("lhead", target, source)

    def _cut(self, name: str, id: str, other: str) -> dict[str, str]:
        box = self._drawn.get(id)
        if box is None or box.is_empty or id in (*self._nesting.around(other), other):
            return {}
        return {name: cluster_name(id)}

    def node(self, id: str, *, first: bool) -> str:
        """`id`, or the first or last node inside if it is a subgraph's."""
        inside = self._nesting.inside(id) if id in self._subgraphs else []
        return inside[0 if first else -1] if inside else id
