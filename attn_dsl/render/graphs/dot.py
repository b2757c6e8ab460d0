"""A network as DOT text."""

from __future__ import annotations

from html import escape

import graphviz

from attn_dsl.render import palette
from attn_dsl.render.diagram.boxes import ROOM_FOR_INDEX, aligned, text_label
from attn_dsl.render.graphs.network import Arrow, Box, Change, Frame, Network
from attn_dsl.render.labels import printable, split_indices

LOOKS: dict[Change, dict[str, str]] = {
    Change.NONE: {},
    Change.ADDED: {"fillcolor": palette.ADDED, "color": palette.ADDED_LINE, "penwidth": "1.8"},
    Change.REMOVED: {
        "fillcolor": palette.REMOVED,
        "color": palette.REMOVED_LINE,
        "style": "filled,rounded,dashed",
    },
}
LINES: dict[Change, dict[str, str]] = {
    Change.NONE: {},
    Change.ADDED: {"color": palette.ADDED_LINE, "penwidth": "1.8"},
    Change.REMOVED: {"color": palette.REMOVED_LINE, "style": "dashed"},
}


def network_dot(network: Network) -> str:
    """DOT text; every box is called by its id."""
    dot = graphviz.Digraph(
        graphviz.escape(network.title),
        graph_attr={**palette.GRAPH, "rankdir": network.direction, "ranksep": "0.3"},
        node_attr=palette.NODE,
        edge_attr=palette.EDGE,
    )
    lines = [network.title, *([network.caption] if network.caption else [])]
    dot.attr(label=text_label(lines[:1], "".join(lines[1:])))
    for box in network.boxes:
        _box(dot, box)
    for frame in network.frames:
        _frame(dot, frame, network.direction)
    for arrow in network.arrows:
        _arrow(dot, arrow)
    return str(dot.source)


def _box(dot: graphviz.Digraph, box: Box, column: str = "") -> None:
    """A box; those of one column stand below each other."""
    shape = {"style": "filled,rounded"} if box.kind != "input" else {}
    fill = {"fillcolor": palette.fill_of(box.kind)}
    dot.node(
        graphviz.escape(box.id),
        **{**fill, **shape, **LOOKS[box.change]},
        label=_label(box),
        **({"group": column} if column else {}),
    )


def _label(box: Box) -> str:
    """The words of the operation, and below them what it makes, in small print."""
    first, *more = box.words
    sign = f"{box.change.value} " if box.change.value else ""
    rows = [f"{sign}{_set(first)}"]
    if len(split_indices(first)) > 1:
        rows.append(ROOM_FOR_INDEX)
    rows += [_small(word, palette.INK, 10) for word in more]
    rows += [_small(line, palette.QUIET_INK, 9) for line in box.details]
    return f"<{'<BR/>'.join(rows)}>"


def _set(text: str) -> str:
    pieces = (
        f'<FONT POINT-SIZE="8"><{mark}>{escape(piece)}</{mark}></FONT>' if mark else escape(piece)
        for piece, mark in split_indices(printable(text))
    )
    return "".join(pieces)


def _small(text: str, ink: str, size: int) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{ink}">{escape(printable(text))}</FONT>'


def _frame(dot: graphviz.Digraph, frame: Frame, direction: str) -> None:
    """The box around what a fused operation absorbed, with its formula and cost."""
    top = {"labelloc": "b" if direction == "BT" else "t"}
    with dot.subgraph(name=f"cluster_{frame.id}") as inside:
        inside.attr(**palette.FUSED_BOX, **top, label=aligned([frame.title]))
        for box in frame.boxes:
            _box(inside, box, column=frame.id)
        notes = f"notes of {frame.id}"
        lines = (_small(line, palette.INK, 10) for line in frame.notes)
        text = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines)
        inside.node(graphviz.escape(notes), **palette.FORMULA, label=f"<{text}>")
        if direction in ("TB", "TD", "BT"):
            with inside.subgraph() as row:
                row.attr(rank="same")
                row.node(graphviz.escape(frame.boxes[0].id))
                row.node(graphviz.escape(notes))


def _arrow(dot: graphviz.Digraph, arrow: Arrow) -> None:
    label = {"label": text_label([f"\u00a0{arrow.label}\u00a0"])} if arrow.label else {}
    ends = graphviz.escape(arrow.source), graphviz.escape(arrow.target)
    dot.edge(*ends, **label, **LINES[arrow.change])
