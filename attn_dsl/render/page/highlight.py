"""Source text as lines of coloured pieces."""

from __future__ import annotations

from collections.abc import Iterator

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token

Piece = tuple[str, str]
"""A class of `palette.CODE`, or none, and the text."""

CLASSES = {
    Comment.Preproc: "keyword",
    Comment.PreprocFile: "string",
    Comment: "comment",
    Keyword: "keyword",
    Name.Builtin: "name",
    Name.Class: "name",
    Name.Decorator: "name",
    Name.Function: "name",
    Number: "number",
    Operator.Word: "keyword",
    String: "string",
}


def colored_lines(text: str, language: str) -> list[list[Piece]]:
    """Each line of `text` in pieces; `language` is one of pygments' names, such as `cuda`."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    lines: list[list[Piece]] = [[]]
    for kind, found in _pieces(lexer.get_tokens(text)):
        first, *others = found.split("\n")
        lines[-1] += [(kind, first)] * bool(first)
        lines += [[(kind, line)] * bool(line) for line in others]
    return lines[:-1] if text.endswith("\n") else lines


def _pieces(tokens: Iterator[tuple[object, str]]) -> Iterator[Piece]:
    """Neighbours of one class are one piece."""
    kept, text = "", ""
    for token, found in tokens:
        kind = _class_of(token)
        if kind != kept and text:
            yield kept, text
            text = ""
        kept, text = kind, text + found
    yield kept, text


def _class_of(token: object) -> str:
    while token is not Token and token not in CLASSES:
        token = token.parent  # type: ignore[attr-defined]  # pygments has no types
    return CLASSES.get(token, "")
