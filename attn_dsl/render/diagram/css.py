"""The styles that the author wrote, as attributes of Graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attn_dsl.render.colors import is_dark, read_color
from attn_dsl.render.palette import INK, LIGHT_INK
from attn_dsl.syntax import Diagram

Css = Mapping[str, str]
_NUMBER = re.compile(r"(\d*\.?\d+)(?:px|pt)?")


def box_css(diagram: Diagram, id: str) -> Css:
    """What classes and `style` say of a node or a subgraph; later ones win."""
    subgraph = next((s for s in diagram.subgraphs if s.id == id), None)
    classes = subgraph.classes if subgraph else ("default", *diagram.nodes[id].classes)
    found = [line for name in classes for line in diagram.class_styles.get(name, ())]
    return _declarations([*found, *diagram.styles.get(id, ())])


def edge_css(diagram: Diagram, number: int) -> Css:
    """What `linkStyle` says of the edge `number`."""
    links = diagram.link_styles
    return _declarations([*links.get("default", ()), *links.get(str(number), ())])


def box_attributes(css: Css, fill: str) -> dict[str, str]:
    """Fill, outline and text of a box; `fill` is its colour where the author gives none.

    A dark fill gets light text unless the author gives the text a colour.
    """
    fill = read_color(css.get("fill", "")) or fill
    text = read_color(css.get("color", "")) or (LIGHT_INK if is_dark(fill) else INK)
    return {"fillcolor": fill, "fontcolor": text, **line_attributes(css)}


def line_attributes(css: Css) -> dict[str, str]:
    """Colour and width of an outline or an arrow."""
    found: dict[str, str] = {}
    if stroke := read_color(css.get("stroke", "")):
        found["color"] = stroke
    if width := _NUMBER.fullmatch(css.get("stroke-width", "")):
        found["penwidth"] = width[1]
    return found


def dash_of(css: Css) -> str:
    """`dotted` or `dashed`, as Graphviz calls the nearest to the author's dashes; or empty."""
    lengths = [float(n) for n in re.findall(r"\d*\.?\d+", css.get("stroke-dasharray", ""))]
    if not any(lengths):
        return ""
    return "dotted" if lengths[0] <= 2 else "dashed"


def _declarations(lines: Iterable[str]) -> Css:
    pairs = (line.partition(":") for line in lines)
    return {
        name.strip().lower(): value.replace("!important", "").strip().rstrip(";")
        for name, _, value in pairs
    }
