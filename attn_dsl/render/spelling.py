"""Boxes, arrows and labels as Mermaid spells them."""

from __future__ import annotations

import re

from attn_dsl.render.labels import is_markdown
from attn_dsl.syntax import Edge, Node, Text

_BRACKETS = {
    "square": ("[", "]"),
    "round": ("(", ")"),
    "stadium": ("([", "])"),
    "subroutine": ("[[", "]]"),
    "cylinder": ("[(", ")]"),
    "circle": ("((", "))"),
    "doublecircle": ("(((", ")))"),
    "ellipse": ("(-", "-)"),
    "diamond": ("{", "}"),
    "hexagon": ("{{", "}}"),
    "odd": (">", "]"),
    "lean_right": ("[/", "/]"),
    "lean_left": ("[\\", "\\]"),
    "trapezoid": ("[/", "\\]"),
    "inv_trapezoid": ("[\\", "/]"),
}
_LINES = {"normal": ("--", "-"), "thick": ("==", "="), "dotted": ("-.-", "")}
_HEADS = {"point": ">", "circle": "o", "cross": "x", "open": ""}
_TAILS = {"point": "<", "circle": "o", "cross": "x"}
_KEPT = re.compile(r"(</?(?:br|b|strong|i|em|u|s|small|sub|sup|span|code)\s*/?>)", re.IGNORECASE)
_ENTITIES = {'"': "#quot;", "#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;"}


def spell_box(node: Node) -> str:
    """A node with its label and shape, as a statement."""
    first, last = _BRACKETS.get(node.shape, ("[", "]"))
    box = f'{node.id}{first}"{_label(node.label)}"{last}'
    known = node.shape in _BRACKETS or not node.shape
    return box if known else f"{box}@{{ shape: {node.shape} }}"


def spell_arrow(edge: Edge) -> str:
    """An arrow with its id and label."""
    name = f"{edge.id}@" if edge.id else ""
    if edge.stroke == "invisible":
        return f"{name}~~~"
    kind = edge.arrow.removeprefix("double_").removeprefix("arrow_")
    line, end = _LINES[edge.stroke]
    tail = _TAILS[kind] if edge.arrow.startswith("double_") else ""
    label = f'|"{_label(edge.label)}"|' if edge.label else ""
    return f"{name}{tail}{line}{_HEADS[kind] or end}{label}"


def spell_text(text: str) -> str:
    """`text` between quotes: what mermaid would read otherwise becomes an entity."""
    parts = _KEPT.split(text.replace("\n", "<br>"))
    parts[::2] = ["".join(_ENTITIES.get(char, char) for char in part) for part in parts[::2]]
    return "".join(parts) or " "


def _label(text: Text) -> str:
    return f"`{text.text}`" if is_markdown(text) else spell_text(text.text)
