"""Boxes and subgraphs while the file is still being read: a later line may add to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from attn_dsl.diagnostics import Span
from attn_dsl.syntax.diagram import Metadata, Node, Subgraph, Text
from attn_dsl.syntax.labels import decode
from attn_dsl.syntax.statements import Open


@dataclass(slots=True)
class DataDraft:
    """Metadata from any number of blocks; a later key replaces an earlier one."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def merge(self, data: Metadata) -> None:
        """Add the keys of `data`."""
        self.values |= data.values
        self.spans |= data.spans

    def finish(self) -> Metadata:
        """What has been collected."""
        return Metadata(self.values, self.spans)


@dataclass(eq=False)
class Frame:
    """A subgraph. `mentions` lists all ids in its body, in mermaid's order, and `nodes` those of
    them that mermaid makes its members, once it is closed.
    """

    head: Open
    id: str
    parent: Frame | None
    mentions: list[str] = field(default_factory=list)
    nodes: tuple[str, ...] = ()
    direction: str | None = None
    end: int = 0
    data: DataDraft = field(default_factory=DataDraft)
    classes: list[str] = field(default_factory=list)

    def finish(self) -> Subgraph:
        """The subgraph, from its first line to its `end`."""
        span = Span(self.head.span.source, self.head.span.start, self.end)
        parent = self.parent.id if self.parent else None
        data, classes = self.data.finish(), tuple(self.classes)
        return Subgraph(
            self.id, self.head.title, span, self.nodes, self.direction, parent, data, classes
        )


@dataclass(eq=False, slots=True)
class NodeDraft:
    """A box. `homes` lists the subgraphs whose bodies declare it, None for the top level."""

    id: str
    mentioned: Span
    declared: Span | None = None
    label: Text | None = None
    shape: str = ""
    data: DataDraft = field(default_factory=DataDraft)
    classes: list[str] = field(default_factory=list)
    homes: list[Frame | None] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """Where it is declared, else where it is first mentioned."""
        return self.declared or self.mentioned

    def finish(self, subgraph: str | None) -> Node:
        """The node, inside `subgraph`."""
        data, classes = self.data.finish(), tuple(self.classes)
        label = self.label or self._own_id()
        return Node(self.id, label, self.shape, self.span, data, classes, subgraph)

    def _own_id(self) -> Text:
        """What a box without a label shows."""
        start = self.span.start
        return Text(decode(self.id), Span(self.span.source, start, start + len(self.id)))
