"""Mermaid's shapes, and the nearest that Graphviz has."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.render.palette import LINE

ROUNDED = {"shape": "box", "style": "filled,rounded"}

_ROUND = {"shape": "circle", "fixedsize": "true", "width": "0.2", "height": "0.2"}
_DOT = {**_ROUND, "fillcolor": LINE, "label": ""}
_BAR = {"shape": "box", "fixedsize": "true", "height": "0.07", "fillcolor": LINE, "label": ""}

_SHAPES: Mapping[str, Mapping[str, str]] = {
    "rect square proc process rectangle": {"shape": "box"},
    "round rounded event": ROUNDED,
    "stadium terminal pill": {**ROUNDED, "margin": "0.22,0.06"},
    "subroutine fr-rect subprocess subproc framed-rectangle": {"shape": "box", "peripheries": "2"},
    "cylinder cyl db database datastore data-store": {"shape": "cylinder"},
    "lin-cyl disk lined-cylinder h-cyl das horizontal-cylinder": {"shape": "cylinder"},
    "circle circ": {"shape": "circle", "margin": "0.03"},
    "doublecircle dbl-circ double-circle": {"shape": "doublecircle", "margin": "0.03"},
    "ellipse": {"shape": "ellipse"},
    "diamond diam decision question choice": {"shape": "diamond", "margin": "0.03"},
    "hexagon hex prepare": {"shape": "hexagon"},
    "lean_right lean-r lean-right in-out": {"shape": "parallelogram"},
    "lean_left lean-l lean-left out-in": {"shape": "polygon", "sides": "4", "skew": "-0.4"},
    "trapezoid trap-b priority trapezoid-bottom": {"shape": "trapezium"},
    "inv_trapezoid trap-t manual trapezoid-top inv-trapezoid": {"shape": "invtrapezium"},
    "odd flag paper-tape": {"shape": "cds"},
    "tri extract triangle": {"shape": "triangle", "margin": "0.03"},
    "flip-tri manual-file flipped-triangle": {"shape": "invtriangle", "margin": "0.03"},
    "doc document docs documents st-doc stacked-document lin-doc lined-document": {"shape": "note"},
    "tag-doc tagged-document note tag-rect tagged-rectangle tag-proc": {"shape": "note"},
    "folder directory": {"shape": "folder"},
    "notch-pent loop-limit notched-pentagon": {"shape": "house"},
    "st-rect procs processes stacked-rectangle": {"shape": "box3d"},
    "text brace brace-l brace-r braces comment": {"shape": "plaintext", "width": "0"},
    "f-circ junction filled-circle sm-circ start small-circle": _DOT,
    "fr-circ stop framed-circle": {**_DOT, "shape": "doublecircle"},
    "cross-circ summary crossed-circle": {**_ROUND, "width": "0.3", "label": "×"},
    "fork join": _BAR,
}
_BY_NAME = {name: attributes for names, attributes in _SHAPES.items() for name in names.split()}


def shape_attributes(shape: str) -> dict[str, str]:
    """How Graphviz draws the mermaid shape `shape`; a box where it has nothing like it."""
    return dict(_BY_NAME.get(shape, {"shape": "box"}))
