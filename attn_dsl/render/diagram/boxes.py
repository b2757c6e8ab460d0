"""Nodes, operations on edges, and frames as Graphviz draws them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escape_html

import graphviz

from attn_dsl.render import palette
from attn_dsl.render.colors import is_dark
from attn_dsl.render.diagram.css import box_attributes, box_css, dash_of
from attn_dsl.render.diagram.frames import Frame
from attn_dsl.render.diagram.shapes import ROUNDED, shape_attributes
from attn_dsl.render.labels import read_label, split_indices, to_lines
from attn_dsl.render.theme import AUTHORED
from attn_dsl.syntax import Diagram, Text

ROOM_FOR_INDEX = '<FONT POINT-SIZE="3">\u00a0</FONT>'
"""A line so small that it keeps what follows from an index above it."""


def node_attributes(diagram: Diagram, id: str, operation: str | None, type_: str) -> dict[str, str]:
    """A box with its label; an operation in a plain box is drawn rounded, as is the custom."""
    node = diagram.nodes[id]
    css = box_css(diagram, id)
    found = shape_attributes(node.shape)
    if found == {"shape": "box"} and operation not in (None, "input"):
        found = dict(ROUNDED)
    found |= box_attributes(css, found.get("fillcolor", palette.fill_of(operation)))
    if dash := dash_of(css):
        found["style"] = f"{found.get('style', 'filled')},{dash}"
    if css:
        found["class"] = AUTHORED
    label = read_label(node.label, type_)
    ink = palette.LIGHT_INK if is_dark(found["fillcolor"]) else palette.QUIET_INK
    return {"label": text_label(label.lines, label.type, ink), **found}


def pill_attributes(label: Text, operation: str) -> dict[str, str]:
    """An operation that is drawn on an edge: a small box on the line."""
    fill = palette.fill_of(operation)
    return {**palette.PILL, "fillcolor": fill, "label": text_label(to_lines(label.text))}


def frame_attributes(diagram: Diagram, frame: Frame, depth: int) -> dict[str, str]:
    """The box of a subgraph."""
    # Graphviz turns titles upside down with the drawing.
    top = {"labelloc": "b" if diagram.direction == "BT" else "t"}
    css = box_css(diagram, frame.id)
    found = {**palette.SUBGRAPH, **top, "label": aligned(frame.title)}
    ground = palette.FRAMES[depth % len(palette.FRAMES)]
    found |= box_attributes(css, ground)
    if "color" not in css and found["fontcolor"] == palette.INK:
        found["fontcolor"] = palette.QUIET_INK
    if dash := dash_of(css):
        found["style"] += f",{dash}"
    return {**found, "class": AUTHORED} if css else found


def text_label(lines: Sequence[str], type_: str = "", ink: str = palette.QUIET_INK) -> str:
    """Lines as a label in which nothing has a meaning to Graphviz, and a type in small print."""
    pieces = [split_indices(line) for line in lines]
    if not type_ and all(len(line) == 1 for line in pieces):
        label: str = graphviz.nohtml("\\n".join(_escape(line) for line in lines))
        return label
    rows = ["".join(_piece(text, mark) for text, mark in line) for line in pieces]
    if type_:
        rows += [ROOM_FOR_INDEX] if rows else []
        rows.append(f'<FONT POINT-SIZE="9" COLOR="{ink}">{escape_html(type_)}</FONT>')
    return f"<{'<BR/>'.join(rows)}>"


def padded(lines: Sequence[str], type_: str = "") -> str:
    """The label of an arrow, with room between it and the line."""
    type_ = f"\u00a0{type_}\u00a0" if type_ else ""
    return text_label([f"\u00a0{line}\u00a0" for line in lines], type_)


def _piece(text: str, mark: str) -> str:
    text = escape_html(text)
    return f'<FONT POINT-SIZE="8"><{mark}>{text}</{mark}></FONT>' if mark else text


def aligned(lines: Sequence[str]) -> str:
    """Lines as the title of a box: at its left side."""
    label: str = graphviz.nohtml("".join(f"{_escape(line)}\\l" for line in lines))
    return label


def _escape(line: str) -> str:
    text: str = graphviz.escape(line.replace("&", "&amp;"))
    return text
