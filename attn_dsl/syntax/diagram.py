"""The diagram as it was drawn: what `parse` returns, with a span on everything.

Nothing here knows what a label means; ids and texts are those of mermaid's own parser, with
entities decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from attn_dsl.diagnostics import Diagnostic, Source, Span


@dataclass(frozen=True)
class Text:
    """A label: its decoded text (`<br>` kept, quotes dropped) and where it stands.

    `shown` is what mermaid makes of it, where that is something else: it takes labels for HTML
    and drops the end of `k<q`.
    """

    text: str
    span: Span
    shown: str | None = None

    @property
    def markdown(self) -> bool:
        """Whether it was written in backticks."""
        text, start = self.span.source.text, self.span.start
        while start and text[start - 1].isspace():
            start -= 1
        return text.endswith('"`', 0, start)


@dataclass(frozen=True)
class Metadata:
    """The keys of `@{ … }` blocks, merged in file order, and where each stands with its value."""

    values: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """One box.

    `label` is its text; a node without one shows its id. `span` covers the id and its label
    where it was declared (given a label, shape or metadata, or named in a statement of its
    own), else its first mention. `subgraph` is the innermost subgraph that it belongs to *by
    declaration*; None at the top level.
    """

    id: str
    label: Text
    shape: str
    span: Span
    data: Metadata = Metadata()
    classes: tuple[str, ...] = ()
    subgraph: str | None = None


@dataclass(frozen=True)
class Edge:
    """One arrow, expanded: `A & B --> C` is two edges. `kind` is mermaid's name of the arrow.

    `stroke` is one of normal, thick, dotted, invisible; `arrow` one of arrow_point, arrow_open,
    arrow_circle, arrow_cross and their double_ forms.
    """

    source: str
    target: str
    span: Span
    label: Text | None = None
    id: str | None = None
    stroke: str = "normal"
    arrow: str = "arrow_point"
    data: Metadata = Metadata()


@dataclass(frozen=True)
class Subgraph:
    """A titled box around nodes.

    `nodes` follows mermaid's membership rule, in its order; ids of inner subgraphs are among them.
    """

    id: str
    title: Text
    span: Span
    nodes: tuple[str, ...] = ()
    direction: str | None = None
    parent: str | None = None
    data: Metadata = Metadata()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """A parsed flowchart; nodes, edges and subgraphs in file order of first mention.

    An edge to a subgraph, or metadata of one, makes a node of its id as well, as in mermaid.

    `styles` maps node and subgraph ids to CSS declarations (`fill:#bbf`), `link_styles` edge
    numbers (or "default") to the same, `class_styles` class names to the same. `settings` is
    the front matter's `attn:` entry, with the span of each of its keys; `title` its title.
    """

    source: Source
    direction: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    subgraphs: tuple[Subgraph, ...]
    styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    class_styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    link_styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Metadata = Metadata()
    title: str = ""
    warnings: tuple[Diagnostic, ...] = ()

    @cached_property
    def subgraphs_by_id(self) -> Mapping[str, Subgraph]:
        """The subgraphs by id; of several with one id, the last."""
        return {subgraph.id: subgraph for subgraph in self.subgraphs}

    def edges_into(self, node: str) -> list[Edge]:
        """The edges that end at `node`, in file order."""
        return list(self._into.get(node, ()))

    def edges_from(self, node: str) -> list[Edge]:
        """The edges that start at `node`, in file order."""
        return list(self._from.get(node, ()))

    @cached_property
    def _into(self) -> Mapping[str, list[Edge]]:
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def _from(self) -> Mapping[str, list[Edge]]:
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found
