"""Diagnostics as text: the message, the place, the source line, carets under the span.

error: attn[E038]: shapes do not fit
  --> mha.attn:7:5
   7 |     qk[matmul] --> s[softmax]
     |     ^^^^^^^^^^ contracts 64 (of q) with 80 (of k)
  help: declare k as `k[b, h, kv, 64]`
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from attn_dsl.diagnostics.diagnostic import Diagnostic
from attn_dsl.diagnostics.span import Span

MAX_WIDTH = 160
MAX_MESSAGE = 2000


def render(diagnostic: Diagnostic) -> str:
    """Return `diagnostic` as the lines that a terminal shows."""
    text = "\n".join(_lines(diagnostic))
    return "\n".join(map(_printable, text.split("\n")))


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    severity = diagnostic.severity.name.lower()
    yield f"{severity}: attn[{diagnostic.code}]: {_clip(diagnostic.message)}"
    if diagnostic.span is not None:
        yield from _excerpt(diagnostic.span, diagnostic.label, "^")
    for note in diagnostic.notes:
        yield from _excerpt(note.span, note.label, "-")
    if diagnostic.help:
        yield f"  help: {diagnostic.help}"


def _clip(message: str) -> str:
    """A message may quote a label, and a label may be a megabyte."""
    long = len(message) > MAX_MESSAGE
    return f"{message[: MAX_MESSAGE // 2]} … {message[-MAX_MESSAGE // 4 :]}" if long else message


def _excerpt(span: Span, label: str, mark: str) -> Iterator[str]:
    """The place, the line that the span starts on, and marks under the part that it covers."""
    line = span.source.line_text(span.line)
    first = span.column - 1
    line, first, last = _window(line, first, first + span.end - span.start)
    gutter = max(4, len(str(span.line)) + 1)
    yield f"  --> {span.place}"
    line = _printable(line)
    yield f"{span.line:>{gutter}} | {line}"
    marks = " " * _columns(line[:first]) + mark * max(1, _columns(line[first:last]))
    yield f"{'':>{gutter}} | {marks} {label}".rstrip()


def _window(line: str, first: int, last: int) -> tuple[str, int, int]:
    """Cut a long line to what surrounds the span."""
    if len(line) <= MAX_WIDTH:
        return line, first, last
    begin = max(0, first - MAX_WIDTH // 3)
    line = line[begin : begin + MAX_WIDTH]
    return line, first - begin, last - begin


def _printable(line: str) -> str:
    """Tabs and control characters take one column each, so that the carets stay in place."""
    return "".join(c if c.isprintable() else " " for c in line)


def _columns(text: str) -> int:
    """How many terminal columns `text` takes: wide letters take two, combining marks none."""
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
