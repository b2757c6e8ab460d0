"""Source text to `Diagram`: the stages of this package in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity, Source, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.build import Builder
from attn_dsl.syntax.diagram import Diagram, Metadata
from attn_dsl.syntax.encoding import with_plain_lines
from attn_dsl.syntax.metadata import read_yaml, sub_metadata
from attn_dsl.syntax.mistakes import Mistakes
from attn_dsl.syntax.parser import Failure, read_header, read_statements
from attn_dsl.syntax.prepare import find_front_matter, open_directives, prepare
from attn_dsl.syntax.reader import Reader

# Past this many the first ones are what to look at.
MAX_ERRORS = 50
MAX_AFTER_ERROR = 10_000
"""Statements that are read after the first error: most likely it hides in front of all of them."""
IGNORED = ('""', "``")
"""What mermaid passes over, but not before the header."""
SURROGATE = re.compile("[\ud800-\udfff]")
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def parse(source: Source, start: int = 0, end: int | None = None) -> Diagram:
    """Parse `source.text[start:end]`; raise `DiagnosticError` with all errors in it.

    All spans are places in `source`, with plain line ends.
    """
    end = len(source.text) if end is None else end
    block = Span(*with_plain_lines(source, start, end))
    source = block.source
    found = list(_characters(block))
    front, length = _front_matter(block, found)
    body = " " * length + block.text[length:]
    found += (
        errors.open_directive(Span(source, start + first, start + last))
        for first, last in islice(open_directives(body), MAX_ERRORS)
    )
    text = prepare(body)
    direction, position = _header(text, block, found)
    builder = Builder(found)
    _statements(text, position, block, builder, found)
    title = front.values.get("title")
    settings = sub_metadata(front, "attn")
    return builder.finish(source, direction, settings, "" if title is None else str(title))


def _characters(block: Span) -> Iterator[Diagnostic]:
    """What is wrong with single characters; raise `DiagnosticError` for one that is none."""
    places = (Span(block.source, c.start(), c.end()) for c in _matches(SURROGATE, block))
    if (lone := next(places, None)) is not None:
        raise DiagnosticError([errors.lone_surrogate(lone)])
    for hidden in islice(_matches(REORDERING, block), 1):
        yield errors.hidden_order(Span(block.source, hidden.start(), hidden.end()))


def _matches(pattern: re.Pattern[str], block: Span) -> Iterator[re.Match[str]]:
    return pattern.finditer(block.source.text, block.start, block.end)


def _front_matter(block: Span, found: list[Diagnostic]) -> tuple[Metadata, int]:
    """The front matter of `block`, and its length."""
    front = find_front_matter(block.text)
    if front is None:
        if block.text.lstrip().startswith("---"):
            start = block.start + block.text.index("---")
            raise DiagnosticError([errors.open_front_matter(Span(block.source, start, start + 3))])
        return Metadata(), 0
    body = Span(block.source, block.start + front.start("yaml"), block.start + front.end("yaml"))
    try:
        return read_yaml(body), front.end()
    except DiagnosticError as error:
        found += error.diagnostics
        return Metadata(), front.end()


def _header(text: str, block: Span, found: list[Diagnostic]) -> tuple[str, int]:
    """The direction, and where the first statement begins."""
    if not text.strip():
        place = Span(block.source, block.start, block.start) if block.source.text.strip() else None
        raise DiagnosticError([*found, errors.nothing_to_read(block.source.name, place)])
    reader = Reader(block.source, block.start)
    first = len(text) - len(text.lstrip())
    if text.startswith(IGNORED, first):
        word = Span(block.source, block.start + first, block.start + first + 2)
        raise DiagnosticError([*found, errors.header_missing(word)])
    item, position = read_header(text, first, reader.build)
    if not isinstance(item, Failure):
        return item.direction, position
    found.append(Mistakes(text, block.source, block.start).in_header(item))
    if not item.tokens:
        raise DiagnosticError(found)
    return "", position


def _statements(
    text: str, position: int, block: Span, builder: Builder, found: list[Diagnostic]
) -> None:
    """Give all statements to `builder`, in order; what cannot be read goes to `found`."""
    reader = Reader(block.source, block.start)
    mistakes = Mistakes(text, block.source, block.start)
    seen = errors_found = after_error = 0
    for item in read_statements(text, position, reader.build):
        if not isinstance(item, Failure):
            builder.add(item)
        else:
            found.append(mistakes.in_statement(item))
            if item.tokens and item.tokens[0].type == "SUBGRAPH":
                builder.add(reader.broken_subgraph(item.tokens[0]))
        if len(found) > seen:
            errors_found += sum(d.severity is Severity.ERROR for d in found[seen:])
            seen = len(found)
        after_error += errors_found > 0
        if errors_found >= MAX_ERRORS or after_error >= MAX_AFTER_ERROR:
            raise DiagnosticError(found)
