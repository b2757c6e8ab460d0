"""The drawing as Mermaid text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from attn_dsl.ir import Graph
from attn_dsl.render import palette
from attn_dsl.render.diagram.arrows import Ends
from attn_dsl.render.diagram.css import box_css
from attn_dsl.render.diagram.frames import Frame, build_frames
from attn_dsl.render.diagram.spelling import spell_box, spell_edge
from attn_dsl.render.fused import FusionRemark, fused_groups
from attn_dsl.render.origins import node_operations
from attn_dsl.syntax import Diagram, find_blocks, spell_label
from attn_dsl.textbuilder import TextBuilder

NONE: Mapping[str, str] = {}
_OUTLINE = f"stroke:{palette.LINE},color:{palette.INK}"
_FUSED = f"fill:{palette.FUSED},stroke:{palette.FUSED_LINE},color:{palette.INK}"


def mermaid_text(diagram: Diagram, operations: Mapping[str, str] = NONE) -> str:
    """The author's own text, with the classic colours for nodes without a style of their own.

    `operations` says which operation a node draws, by its mnemonic.
    """
    styles = list(_classic(diagram, operations))
    lines = [_own_text(diagram).rstrip(), *[""] * bool(styles), *(f"    {s}" for s in styles)]
    return "\n".join(lines) + "\n"


def fused_mermaid(
    diagram: Diagram,
    graph: Graph,
    remarks: Iterable[FusionRemark],
    operations: Mapping[str, str] = NONE,
) -> str:
    """The diagram with a subgraph around what each fused operation of `graph` absorbed."""
    operations = operations or node_operations(diagram, graph)
    root = build_frames(diagram, fused_groups(diagram, graph, remarks), {})
    out = TextBuilder()
    if diagram.title:
        out.lines(["---", f"title: {json.dumps(diagram.title, ensure_ascii=False)}", "---"])
    with out.block(f"flowchart {diagram.direction}"):
        _inside(out, diagram, root)
        ends = Ends(diagram, root)
        for edge in diagram.edges:
            source, target = ends.shown(edge.source), ends.shown(edge.target)
            out.line(f"{source} {spell_edge(edge)} {target}")
        out.lines(_styles(diagram, root))
        out.lines(_classic(diagram, operations))
        out.lines(f"style {_id(frame)} {_FUSED}" for frame in root.walk() if frame.group)
    return out.text


def _own_text(diagram: Diagram) -> str:
    """The diagram's part of its source, which may be Markdown."""
    text = diagram.source.text
    starts = [node.span.start for node in diagram.nodes.values()]
    starts += [subgraph.span.start for subgraph in diagram.subgraphs]
    for block in find_blocks(text):
        if starts and block.start <= starts[0] < block.end:
            return text[block.start : block.end]
    return text


def _inside(out: TextBuilder, diagram: Diagram, frame: Frame) -> None:
    out.lines(spell_box(diagram.nodes[id]) for id in frame.nodes)
    for inner in frame.frames:
        lines = (*inner.title, *(inner.group.formula if inner.group else ()))
        with out.block(f"subgraph {_id(inner)}[{spell_label('<br>'.join(lines))}]", "end"):
            if inner.direction:
                out.line(f"direction {inner.direction}")
            _inside(out, diagram, inner)


def _id(frame: Frame) -> str:
    return f"fused_{frame.id}" if frame.group else frame.id


def _styles(diagram: Diagram, root: Frame) -> Iterator[str]:
    """The author's own styles, for what is still drawn."""
    frames = {frame.id for frame in root.walk()}
    hidden = {subgraph.id for subgraph in diagram.subgraphs} - frames
    classes = {node.id: node.classes for node in diagram.nodes.values()}
    classes |= {subgraph.id: subgraph.classes for subgraph in diagram.subgraphs}
    for name, css in diagram.class_styles.items():
        yield f"classDef {name} {','.join(css)}"
    for id, names in classes.items():
        if id not in hidden:
            yield from (f"class {id} {name}" for name in names)
    for id, css in diagram.styles.items():
        if id not in hidden:
            yield f"style {id} {','.join(css)}"
    for number, css in diagram.link_styles.items():
        yield f"linkStyle {number} {','.join(css)}"


def _classic(diagram: Diagram, operations: Mapping[str, str]) -> Iterator[str]:
    for id in diagram.nodes:
        operation = operations.get(id, "input")
        if operation != "input" and not box_css(diagram, id):
            yield f"style {id} fill:{palette.fill_of(operation)},{_OUTLINE}"
