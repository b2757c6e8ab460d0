"""Where operations are drawn: from places in the text to nodes and edges."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate

from attn_dsl.diagnostics import Span
from attn_dsl.ir import Graph, Origin
from attn_dsl.syntax import Diagram
from attn_dsl.syntax.arrows import edge_id


def edge_names(diagram: Diagram) -> list[str]:
    """The name of every edge: its id, or else the one that mermaid makes up."""
    joined: Counter[tuple[str, str]] = Counter()
    names = []
    for edge in diagram.edges:
        ends = (edge.source, edge.target)
        names.append(edge.id or edge_id(*ends, joined[ends]))
        joined[ends] += 1
    return names


class Spans:
    """Finds what stands around a span, in the order in which it was given."""

    def __init__(self, spans: Iterable[tuple[Span, str]]) -> None:
        numbered = enumerate(spans)
        self._found = sorted((span.start, span.end, n, name) for n, (span, name) in numbered)
        self._starts = [start for start, *_ in self._found]
        self._reach = list(accumulate((end for _, end, *_ in self._found), max))

    def around(self, span: Span) -> list[str]:
        """The names of the spans that `span` is within."""
        at = bisect_right(self._starts, span.start) - 1
        found = []
        while at >= 0 and self._reach[at] >= span.end:
            _, end, number, name = self._found[at]
            if end >= span.end:
                found.append((number, name))
            at -= 1
        return [name for _, name in sorted(found)]


class Places:
    """The nodes and edges of a diagram by what stands where in its text.

    What draws a part of a module stands for its twins, as the origins in `graph` have them.
    """

    def __init__(self, diagram: Diagram, graph: Graph) -> None:
        self._diagram = diagram
        self._names = edge_names(diagram)
        self._nodes = Spans((node.span, node.id) for node in diagram.nodes.values())
        labels = [(edge.target, edge.label) for edge in diagram.edges]
        self._labels = Spans((t.span, str(n)) for n, (_, t) in enumerate(labels) if t)
        self._saying: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, (target, label) in zip(self._names, labels, strict=True):
            if label:
                self._saying[target, label.text].append(name)
        self._titles = Spans((s.title.span, s.id) for s in diagram.subgraphs)
        self._inside: dict[str, list[str]] = defaultdict(list)
        for node in diagram.nodes.values():
            if node.subgraph and diagram.edges_into(node.id):
                self._inside[node.subgraph].append(node.id)
        self._twins: dict[Span, tuple[Span, ...]] = {}
        for statement in graph.statements:
            for origin in statement.origins:
                if origin.span is not None and origin.twins:
                    self._twins[origin.span] = origin.twins

    def of(self, origin: Origin) -> list[str]:
        """The nodes and edges that draw `origin`: all of a family, and the call of a module."""
        twins = origin.twins if origin.call is None else self._twins.get(origin.call, ())
        places = [origin.place, *twins]
        return [name for place in places for name in self._at(place)]

    def _at(self, span: Span | None) -> list[str]:
        """The nodes and edges that draw what stands at `span`.

        An edge draws it in its label, and so do the edges beside it that say the same; the title
        of a subgraph speaks of those of its nodes that take something in.
        """
        if span is None or span.source != self._diagram.source:
            return []
        if nodes := self._nodes.around(span):
            return nodes
        said: dict[str, None] = {}
        for number in self._labels.around(span):
            edge = self._diagram.edges[int(number)]
            assert edge.label is not None
            said |= dict.fromkeys(self._saying[edge.target, edge.label.text])
        titled = self._titles.around(span)
        return list(said) or [id for title in titled for id in self._inside[title]]
