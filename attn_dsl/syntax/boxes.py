"""The boxes and arrows of a diagram, merged from all the statements that speak of them."""

from __future__ import annotations

from dataclasses import replace

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.arrows import edge_id
from attn_dsl.syntax.diagram import Edge, Metadata, Text
from attn_dsl.syntax.drafts import DataDraft, NodeDraft
from attn_dsl.syntax.labels import decode, is_cut, nameless
from attn_dsl.syntax.membership import Subgraphs
from attn_dsl.syntax.metadata import Blocks, as_text, is_said
from attn_dsl.syntax.shapes import SHAPES
from attn_dsl.syntax.statements import Chain, Link, Mention

MAX_MULTIPLIED = 50_000
"""Edges that `&` adds beyond one an arrow: a short line could else draw millions."""


class Boxes:
    """Nodes and edges as mermaid merges them; `found` collects errors and warnings."""

    def __init__(self, subgraphs: Subgraphs, found: list[Diagnostic]) -> None:
        self.nodes: dict[str, NodeDraft] = {}
        self.edges: list[Edge] = []
        self._subgraphs = subgraphs
        self._found = found
        self._by_id: dict[str, int] = {}
        self._said: dict[int, DataDraft] = {}
        self._joined: dict[tuple[str, str], int] = {}
        self._multiplied = 0
        self._blocks = Blocks()

    def chain(self, chain: Chain) -> None:
        """Add the boxes of a chain, then the edges between them, as mermaid orders them."""
        alone = not chain.links
        self._group(chain.groups[0], alone)
        for before, link, after in zip(chain.groups, chain.links, chain.groups[1:], strict=False):
            self._group(after, alone)
            self._connect(before, link, after)
        if self._subgraphs.current:
            for group in reversed(chain.groups):
                self._subgraphs.mention(mention.id for mention in group)

    def node(self, id: str, span: Span) -> NodeDraft:
        """The box `id`, made if need be."""
        node = self.nodes.get(id)
        if node is None:
            node = self.nodes[id] = NodeDraft(id, span)
        return node

    def described_edges(self) -> tuple[Edge, ...]:
        """All edges, with what their metadata says."""
        edges = list(self.edges)
        for number, data in self._said.items():
            edges[number] = replace(edges[number], data=data.finish())
        return tuple(edges)

    def classify(self, ids: tuple[str, ...], css_class: str) -> None:
        """Give a class to the boxes and subgraphs among `ids` that are there already."""
        for drafts in (self.nodes, self._subgraphs.closed):
            for id in ids:
                if id in drafts:
                    drafts[id].classes.append(css_class)

    def check(self, label: Text) -> None:
        """Warn of a label that mermaid cuts, or shows otherwise than it is written."""
        start = label.span.start
        for entity in nameless(label.span.text) if "&" in label.text else ():
            place = Span(label.span.source, start + entity.start(), start + entity.end())
            self._found.append(errors.nameless_entity(place))
        if is_cut(label):
            self._found.append(errors.cut_label(label.span, label.shown or ""))

    def _group(self, group: tuple[Mention, ...], alone: bool) -> None:
        """Add boxes; mermaid reads the metadata of each only after the next one."""
        before: Mention | None = None
        for mention in group:
            if mention.id not in self._by_id:
                self._box(mention, alone)
            if before:
                self._describe(before)
            before = mention
        self._describe(group[-1])

    def _describe(self, mention: Mention) -> None:
        """Give metadata to the edge, the subgraph or the box that it names."""
        edge = self._by_id.get(mention.id)
        if mention.data is None or (edge is not None and not mention.data.text.strip()):
            return
        data = self._data(mention.data)
        if edge is not None:
            self._said.setdefault(edge, DataDraft()).merge(data)
        elif mention.id in self._subgraphs.closed:
            self._subgraphs.closed[mention.id].data.merge(data)
        else:
            self._describe_box(self.nodes[mention.id], data)

    def _data(self, block: Text) -> Metadata:
        try:
            return self._blocks.read(block)
        except DiagnosticError as error:
            self._found += error.diagnostics
            return Metadata()

    def _box(self, mention: Mention, alone: bool) -> None:
        node = self.node(mention.id, mention.id_span)
        if alone or mention.label or mention.data:
            node.declared = node.declared or mention.span
            node.homes.append(self._subgraphs.current)
        if mention.label:
            self.check(mention.label)
            node.label, node.shape = mention.label, mention.shape
        if mention.css_class:
            self.classify((mention.id,), mention.css_class)
        if mention.id == "%%":
            self._found.append(errors.percent_box(mention.span))

    def _describe_box(self, node: NodeDraft, data: Metadata) -> None:
        """Add metadata, and do what mermaid does with its own keys."""
        node.data.merge(data)
        shape, label = data.values.get("shape"), data.values.get("label")
        if shape and str(shape) in SHAPES:
            node.shape = str(shape)
        elif shape:
            self._found.append(errors.unknown_shape(data.spans["shape"], str(shape), SHAPES))
        if is_said(label):
            node.label = Text(decode(as_text(label)), data.spans["label"])
        elif node.label is None and (data.values.get("icon") or data.values.get("img")):
            node.label = Text(node.id, node.mentioned, shown="")

    def _connect(self, before: tuple[Mention, ...], link: Link, after: tuple[Mention, ...]) -> None:
        if not link.even:
            self._found.append(errors.uneven_arrow(link.span))
        if link.label:
            self.check(link.label)
        self._multiplied += len(before) * len(after) - 1
        if self._multiplied > MAX_MULTIPLIED:
            self._found.append(errors.too_many_edges(link.span, MAX_MULTIPLIED))
            return
        for source in before:
            for target in after:
                named = source.id == before[-1].id and target.id == after[0].id
                self._edge(source.id, target.id, link, link.id if named else None)

    def _edge(self, source: str, target: str, link: Link, id: str | None) -> None:
        """Add one edge; of several that claim an id, the first has it."""
        id = None if id in self._by_id else id
        edge = Edge(source, target, link.span, link.label, id, link.stroke, link.arrow)
        earlier = self._joined.get((source, target), 0)
        self._by_id.setdefault(id or edge_id(source, target, earlier), len(self.edges))
        self._joined[source, target] = earlier + 1
        self.edges.append(edge)
