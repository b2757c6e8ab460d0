"""Flowchart text to statements, by the grammar `flowchart.lark`, one after the other.

A statement that cannot be read does not stop the next: it becomes a `Failure`, and reading goes
on with the line after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attn_dsl.grammars import Build, Token, Unexpected, parse, tables

# More pieces than a statement can have that somebody wrote, or can read.
MAX_TOKENS = 20_000
BETWEEN = re.compile(r'(?:[\s;]|"")*+')
# What closes a statement: mermaid wants no line end after these last three.
LAST = frozenset(
    {
        "_BREAK",
        "_LINE_END",
        "_SEMICOLON",
        "END",
        "DIRECTION",
        "INDENTED_DIRECTION",
        "_ACCESSIBILITY",
    }
)
LABELS = frozenset(
    {"STRING", "MARKDOWN", "TEXT", "OVAL", "SLANTED", "LINE_TEXT", "THICK_TEXT", "DOTTED_TEXT"}
)


@dataclass(frozen=True)
class Failure:
    """A statement that makes no sense from `at` on: what was read before, what might follow."""

    start: int
    at: int
    tokens: tuple[Token, ...]
    expected: frozenset[str]

    @property
    def before(self) -> str:
        """The kind of the last token that was read, empty at the start."""
        return self.tokens[-1].type if self.tokens else ""

    @property
    def endless(self) -> bool:
        """Whether it was given up for its length."""
        return len(self.tokens) >= MAX_TOKENS

    @property
    def swallowed(self) -> Token | None:
        """The first label that ran over a line end: most likely it is not closed."""
        return next((t for t in self.tokens if t.type in LABELS and "\n" in t), None)


def read_header(text: str, position: int, build: Build) -> tuple[Any, int]:
    """Read the first line; return what `build` makes of it, and where the next statement begins."""
    return _read(text, position, "header", build)


def read_statements(text: str, position: int, build: Build) -> Iterator[Any]:
    """What `build` makes of each statement from `position` on, or a `Failure`.

    `text` ends with a line end.
    """
    while (position := _skip(text, position)) < len(text):
        item, position = _read(text, position, "statement", build)
        yield item


def read_tokens(text: str, position: int) -> Iterator[list[Token]]:
    """The tokens of the header, then those of each statement, of a text without errors."""
    kind = "header"
    while (position := _skip(text, position)) < len(text):
        _, tokens = parse(tables("flowchart"), kind, text, position, _nothing, LAST)
        yield tokens
        position, kind = tokens[-1].end, "statement"


def _nothing(*_: Any) -> None:
    """Builds nothing."""


def _skip(text: str, position: int) -> int:
    found = BETWEEN.match(text, position)
    return found.end() if found else position


def _read(text: str, position: int, kind: str, build: Build) -> tuple[Any, int]:
    try:
        item, tokens = parse(tables("flowchart"), kind, text, position, build, LAST, MAX_TOKENS)
    except Unexpected as found:
        expected = frozenset(found.expected)
        failure = Failure(position, found.at, tuple(found.tokens), expected)
        return failure, _resume(text, failure)
    return item, tokens[-1].end


def _resume(text: str, failure: Failure) -> int:
    """The start of the next line: after a label that swallowed line ends, the one it began on."""
    place = failure.at if failure.swallowed is None else failure.swallowed.start
    return text.find("\n", place) + 1 or len(text)
