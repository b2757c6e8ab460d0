"""Statements to a `Diagram`: boxes merged, edges expanded, subgraphs matched with their `end`."""

from __future__ import annotations

import re

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity, Source, Span, worst
from attn_dsl.syntax import errors
from attn_dsl.syntax.boxes import Boxes
from attn_dsl.syntax.diagram import Diagram, Metadata
from attn_dsl.syntax.drafts import Frame, NodeDraft
from attn_dsl.syntax.membership import Subgraphs
from attn_dsl.syntax.statements import (
    Assign,
    Chain,
    ClassDef,
    Close,
    Direction,
    Ignored,
    LinkStyle,
    Open,
    Statement,
    Style,
)

LOST_LINE = re.compile(r"(acc(Title|Descr)\s*:[^\S\n]*|click([^\S\n]+\S+)?)\n|accDescr\s*\{[^}]*\Z")
LOST_LINE_END = re.compile(r'subgraph\s[^"\n]*\b(?P<end>end)\s*\n')


class Builder:
    """Takes statements in file order; `found` collects errors and warnings."""

    def __init__(self, found: list[Diagnostic]) -> None:
        self._found = found
        self._subgraphs = Subgraphs()
        self._boxes = Boxes(self._subgraphs, found)
        self._styles: dict[str, list[str]] = {}
        self._class_styles: dict[str, list[str]] = {}
        self._link_styles: dict[str, tuple[str, ...]] = {}

    def add(self, statement: Statement) -> None:
        """Take the next statement; one that draws nothing changes nothing."""
        match statement:
            case Chain():
                self._boxes.chain(statement)
            case Open():
                self._open(statement)
            case Close():
                self._close(statement)
            case Direction():
                self._direction(statement)
            case Style():
                self._boxes.node(statement.id, statement.span)
                self._styles.setdefault(statement.id, []).extend(statement.css)
            case ClassDef():
                for name in statement.names:
                    self._class_styles.setdefault(name, []).extend(statement.css)
            case Assign():
                self._boxes.classify(statement.ids, statement.css_class)
            case LinkStyle():
                self._link_style(statement)
            case Ignored() if LOST_LINE.match(statement.span.text):
                self._found.append(errors.lost_line(statement.span))

    def _open(self, head: Open) -> None:
        self._boxes.check(head.title)
        if line_end := LOST_LINE_END.match(head.span.text):
            start = head.span.start + line_end.start("end")
            self._found.append(errors.long_title(Span(head.span.source, start, start + len("end"))))
        self._subgraphs.open(head)

    def _close(self, close: Close) -> None:
        if self._subgraphs.current is None:
            self._found.append(errors.stray_end(close.span))
        else:
            self._subgraphs.close(close.span.end)

    def _direction(self, direction: Direction) -> None:
        if len(direction.span.text.split()) > 2:
            self._found.append(errors.swallowed_line(direction.span, direction.side))
        if self._subgraphs.current:
            self._subgraphs.current.direction = direction.side

    def _link_style(self, style: LinkStyle) -> None:
        count = len(self._boxes.edges)
        complete = worst(self._found) is not Severity.ERROR
        for edge, span in style.edges:
            missing = edge != "default" and not (edge == str(int(edge[:9])) and int(edge) < count)
            if complete and missing:
                self._found.append(errors.no_such_edge(span, edge, count))
            self._link_styles[edge] = style.css

    def finish(self, source: Source, direction: str, settings: Metadata, title: str) -> Diagram:
        """What all statements add up to; raise `DiagnosticError` if there were errors."""
        self._last_words()
        if worst(self._found) is Severity.ERROR:
            raise DiagnosticError(self._found)
        return Diagram(
            source,
            direction,
            {draft.id: draft.finish(self._home(draft)) for draft in self._boxes.nodes.values()},
            self._boxes.described_edges(),
            tuple(frame.finish() for frame in self._subgraphs.all),
            {id: tuple(css) for id, css in self._styles.items()},
            {name: tuple(css) for name, css in self._class_styles.items()},
            self._link_styles,
            settings,
            title,
            tuple(self._found),
        )

    def _home(self, draft: NodeDraft) -> str | None:
        frame = self._subgraphs.home(draft)
        return frame.id if frame else None

    def _last_words(self) -> None:
        """What can be said only at the end of the file."""
        self._found += [errors.open_subgraph(f.head.span) for f in self._subgraphs.open_ones]
        first: dict[str, Frame] = {}
        for frame in self._subgraphs.all:
            earlier = first.setdefault(frame.id, frame)
            if earlier is not frame and frame.id:
                self._found.append(errors.repeated_subgraph(frame.head.span, earlier.head.span))
        edges = {edge.id for edge in self._boxes.edges}
        for node in self._boxes.nodes.values():
            if node.data.values and node.id in edges:
                self._found.append(errors.early_edge_data(node.span))
            elif node.data.values and node.id in self._subgraphs.closed:
                self._found.append(errors.early_subgraph_data(node.span))
                self._subgraphs.closed[node.id].data.merge(node.data.finish())
            elif difference := self._subgraphs.difference(node):
                self._found.append(difference)
