"""The drawing as DOT text: boxes inside boxes, then the arrows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import PurePath

import graphviz

from attn_dsl.render import palette
from attn_dsl.render.diagram.arrows import Ends, arrow_attributes
from attn_dsl.render.diagram.boxes import (
    frame_attributes,
    node_attributes,
    padded,
    pill_attributes,
    text_label,
)
from attn_dsl.render.diagram.css import edge_css
from attn_dsl.render.diagram.frames import Frame, build_frames, cluster_name
from attn_dsl.render.diagram.rows import Row, row_of
from attn_dsl.render.labels import to_lines
from attn_dsl.render.places import edge_names
from attn_dsl.syntax import Diagram, Edge

NONE: Mapping[str, str] = {}


def diagram_dot(
    diagram: Diagram, operations: Mapping[str, str] = NONE, types: Mapping[str, str] = NONE
) -> str:
    """The diagram as it was drawn.

    `operations` says which operation a node draws, by its mnemonic, or an edge by its name;
    `types` is what is written small below the labels of nodes, and of the edges that come from
    other nodes.
    """
    return _Writer(diagram, operations, types).text()


class _Writer:
    def __init__(
        self,
        diagram: Diagram,
        operations: Mapping[str, str],
        types: Mapping[str, str],
    ) -> None:
        self._diagram = diagram
        self._operations = operations
        self._types = types
        named = zip(edge_names(diagram), diagram.edges, strict=True)
        self._pills = {name: edge for name, edge in named if name in operations and edge.label}
        self._root = build_frames(diagram, self._pills)
        self._ends = Ends(diagram, self._root)
        self._backwards: set[str] = set()

    def text(self) -> str:
        title = self._diagram.title
        dot = graphviz.Digraph(
            graphviz.escape(title or PurePath(self._diagram.source.name).name),
            graph_attr={**palette.GRAPH, "rankdir": self._diagram.direction},
            node_attr=palette.NODE,
            edge_attr=palette.EDGE,
        )
        if title:
            dot.attr(label=text_label(to_lines(title)))
        self._fill(dot, self._root, 0)
        names = edge_names(self._diagram)
        for number, (name, edge) in enumerate(zip(names, self._diagram.edges, strict=True)):
            self._edge(dot, number, name, edge)
        return str(dot.source)

    def _fill(self, dot: graphviz.Digraph, frame: Frame, depth: int) -> None:
        """Add what is inside `frame`."""
        for id in frame.nodes:
            operation, type_ = self._operations.get(id), self._types.get(id, "")
            attributes = node_attributes(self._diagram, id, operation, type_)
            dot.node(graphviz.escape(id), **attributes)
        for name in frame.edges:
            label = self._pills[name].label
            assert label is not None
            attributes = pill_attributes(label, self._operations[name])
            dot.node(graphviz.escape(name), **attributes)
        for inner in frame.frames:
            self._box(dot, inner, depth)
        if row := row_of(self._diagram, frame, self._pills):
            _row(dot, row)
            self._backwards |= set(row.ids) if row.backwards else set()

    def _box(self, dot: graphviz.Digraph, frame: Frame, depth: int) -> None:
        attributes = frame_attributes(self._diagram, frame, depth)
        if frame.is_empty:
            del attributes["margin"], attributes["labeljust"]
            dot.node(graphviz.escape(frame.id), **{**attributes, "label": text_label(frame.title)})
            return
        with dot.subgraph(name=cluster_name(frame.id)) as box:
            box.attr(**attributes)
            self._fill(box, frame, depth + 1)

    def _edge(self, dot: graphviz.Digraph, number: int, name: str, edge: Edge) -> None:
        """One arrow; two, if an operation stands on it."""
        source = self._ends.node(edge.source, first=False)
        target = self._ends.node(edge.target, first=True)
        line = arrow_attributes(edge, edge_css(self._diagram, number))
        tail, head = self._ends.cuts(edge.source, edge.target)
        ends = graphviz.escape(source), graphviz.escape(target)
        if name in self._pills:
            pill = graphviz.escape(name)
            self._arrow(dot, ends[0], pill, {**line, **tail, "arrowhead": "none"})
            self._arrow(dot, pill, ends[1], {**line, **head, "arrowtail": "none"})
        else:
            lines = to_lines(edge.label.text) if edge.label else ()
            type_ = "" if edge.source in self._types else self._types.get(name, "")
            label = {"label": padded(lines, type_)} if lines or type_ else {}
            self._arrow(dot, *ends, {**label, **line, **tail, **head})

    def _arrow(self, dot: graphviz.Digraph, tail: str, head: str, line: Mapping[str, str]) -> None:
        """An arrow; in a row that runs backwards it is laid out from its head to its tail."""
        if not {tail, head} <= self._backwards:
            dot.edge(tail, head, **line)
            return
        ends = {
            "arrowtail": line.get("arrowhead", "normal"),
            "arrowhead": line.get("arrowtail", "none"),
        }
        dot.edge(head, tail, **{**line, **ends, "dir": "both"})


def _row(dot: graphviz.Digraph, row: Row) -> None:
    """Put boxes side by side; arrows that nobody sees keep them in order."""
    with dot.subgraph() as rank:
        rank.attr(rank="same")
        for id in row.ids:
            rank.node(graphviz.escape(id))
        for left, right in pairwise(row.ids) if row.ordered else ():
            rank.edge(graphviz.escape(left), graphviz.escape(right), style="invis")
