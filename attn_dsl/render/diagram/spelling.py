"""Boxes and arrows of a diagram, as Mermaid spells them."""

from __future__ import annotations

from attn_dsl.syntax import BRACKETS, Edge, Node, Text, is_cut, spell_arrow, spell_label


def spell_box(node: Node) -> str:
    """A node with its label and shape, as a statement."""
    first, last = BRACKETS.get(node.shape, ("[", "]"))
    box = f"{node.id}{first}{spell_text(node.label)}{last}"
    known = node.shape in BRACKETS or not node.shape
    return box if known else f"{box}@{{ shape: {node.shape} }}"


def spell_edge(edge: Edge) -> str:
    """An arrow with its id and label."""
    name = f"{edge.id}@" if edge.id else ""
    label = f"|{spell_text(edge.label)}|" if edge.label else ""
    return f"{name}{spell_arrow(edge.stroke, edge.arrow)}{label}"


def spell_text(text: Text) -> str:
    """A label between quotes: all of it, where mermaid would cut it."""
    whole = text.shown is None or is_cut(text)
    shown = text.text if whole else text.shown or ""
    return spell_label(shown.replace("\n", "<br>"), markdown=text.markdown)
