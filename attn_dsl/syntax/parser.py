"""Flowchart text to statements, by the grammar `flowchart.lark`, one after the other.

A statement that cannot be read does not stop the next: it becomes a `Failure`, and reading goes
on with the line after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.utils import TextSlice

from attn_dsl.grammars import grammar

BETWEEN = re.compile(r"[\s;]*")
# What closes a statement: mermaid wants no line end after these last three.
LAST = frozenset(
    {"_NEWLINE", "_SEMICOLON", "END", "DIRECTION", "INDENTED_DIRECTION", "_ACCESSIBILITY"}
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
    def swallowed(self) -> Token | None:
        """The first label that ran over a line end: most likely it is not closed."""
        return next((t for t in self.tokens if t.type in LABELS and "\n" in t), None)


Item = Tree[Token] | Failure


def read_header(text: str, position: int) -> tuple[Item, int]:
    """Read the first line; return it and where the next statement begins."""
    return _read(text, position, "header")


def read_statements(text: str, position: int) -> Iterator[Item]:
    """Read the statements from `position` to the end of `text`, which ends with a line end."""
    while (position := _skip(text, position)) < len(text):
        item, position = _read(text, position, "statement")
        yield item


def read_tokens(text: str, position: int) -> Iterator[tuple[Token, ...]]:
    """The tokens of the header, then those of each statement, of a text without errors."""
    kind = "header"
    while (position := _skip(text, position)) < len(text):
        tokens, _ = _tokens(text, position, kind)
        yield tuple(tokens)
        position, kind = tokens[-1].end_pos or len(text), "statement"


def _skip(text: str, position: int) -> int:
    found = BETWEEN.match(text, position)
    return found.end() if found else position


def _read(text: str, position: int, kind: str) -> tuple[Item, int]:
    tokens, item = _tokens(text, position, kind)
    if isinstance(item, Failure):
        return item, _resume(text, item)
    return item, tokens[-1].end_pos or len(text)


def _tokens(text: str, position: int, kind: str) -> tuple[list[Token], Item]:
    """The tokens of one statement, and what they make."""
    parser = _lark().parse_interactive(TextSlice(text, position, len(text)), start=kind)
    tokens: list[Token] = []
    try:
        for token in parser.lexer_thread.lex(parser.parser_state):  # type: ignore[no-untyped-call]
            parser.feed_token(token)
            tokens.append(token)
            if token.type in LAST:
                break
        tree: Tree[Token] = parser.feed_eof(tokens[-1] if tokens else None)  # type: ignore[no-untyped-call]
    except UnexpectedInput as error:
        return tokens, _failure(error, position, tokens, len(text))
    return tokens, tree


def _failure(error: UnexpectedInput, start: int, tokens: list[Token], end: int) -> Failure:
    expected: set[str] = set()
    at: int | None = None
    if isinstance(error, UnexpectedCharacters):
        expected, at = set(error.allowed), error.pos_in_stream
    elif isinstance(error, UnexpectedToken):
        expected, at = set(error.expected), error.token.start_pos
        at = end if error.token.type == "$END" else at
    return Failure(start, start if at is None else at, tuple(tokens), frozenset(expected))


def _resume(text: str, failure: Failure) -> int:
    """The start of the next line: after a label that swallowed line ends, the one it began on."""
    place = failure.at if failure.swallowed is None else failure.swallowed.start_pos
    return text.find("\n", place or 0) + 1 or len(text)


@cache
def _lark() -> Lark:
    return Lark(
        grammar("flowchart"),
        parser="lalr",
        lexer="contextual",
        start=["header", "statement"],
        propagate_positions=True,
        maybe_placeholders=False,
    )
