"""A network as a Mermaid flowchart."""

from __future__ import annotations

import json

from attn_dsl.render import palette
from attn_dsl.render.graphs.network import Box, Change, Network
from attn_dsl.syntax import spell_label
from attn_dsl.textbuilder import TextBuilder

ARROWS = {Change.NONE: "-->", Change.ADDED: "==>", Change.REMOVED: "-.->"}
STYLES = {
    Change.ADDED: f"fill:{palette.ADDED},stroke:{palette.ADDED_LINE},stroke-width:2px",
    Change.REMOVED: f"fill:{palette.REMOVED},stroke:{palette.REMOVED_LINE},stroke-dasharray:4 3",
}


def network_mermaid(network: Network) -> str:
    """Mermaid text; boxes are numbered, as values may have names that are words of Mermaid."""
    names = {box.id: f"n{number}" for number, box in enumerate(network.all_boxes)}
    out = TextBuilder()
    out.lines(["---", f"title: {json.dumps(network.title, ensure_ascii=False)}", "---"])
    with out.block(f"flowchart {network.direction}"):
        out.lines(_box(names[box.id], box) for box in network.boxes)
        for number, frame in enumerate(network.frames):
            title = "<br>".join([frame.title, *frame.notes])
            with out.block(f"subgraph f{number}[{spell_label(title)}]", "end"):
                out.lines(_box(names[box.id], box) for box in frame.boxes)
        for arrow in network.arrows:
            label = f"|{spell_label(arrow.label)}|" if arrow.label else ""
            line = f"{ARROWS[arrow.change]}{label}"
            out.line(f"{names[arrow.source]} {line} {names[arrow.target]}")
        for box in network.all_boxes:
            style = STYLES.get(box.change, f"fill:{palette.fill_of(box.kind)}")
            if style != f"fill:{palette.PLAIN}":
                out.line(f"style {names[box.id]} {style},color:{palette.INK}")
    return out.text


def _box(name: str, box: Box) -> str:
    sign = f"{box.change.value} " if box.change.value else ""
    text = spell_label("<br>".join([f"{sign}{box.words[0]}", *box.words[1:], *box.details]))
    return f"{name}[{text}]" if box.kind == "input" else f"{name}({text})"
