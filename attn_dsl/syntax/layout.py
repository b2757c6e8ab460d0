"""The canonical layout of a flowchart: the author's words and order, with other white space.

One statement a line, four spaces a level, comments before what they preceded, and at most one
blank line where the author left some. What a diagram means does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.grammars import Token
from attn_dsl.syntax.diagram import Diagram
from attn_dsl.syntax.encoding import plain_lines
from attn_dsl.syntax.flowchart import parse
from attn_dsl.syntax.layout_data import lay_out_front_matter
from attn_dsl.syntax.layout_statement import STEP, StatementLayout
from attn_dsl.syntax.parser import read_tokens
from attn_dsl.syntax.prepare import find_comments, find_front_matter, prepare
from attn_dsl.syntax.unplaced import unplaced

MAX_DEPTH = 100
"""Levels that are indented: nested ever deeper, a short text would else take a gigabyte."""


def format_text(source: Source, start: int = 0, end: int | None = None) -> str:
    """`source.text[start:end]` in canonical layout; raise `DiagnosticError` if it has errors.

    A text that would then mean something else, for one of mermaid's oddities, stays as it is.
    """
    before = parse(source, start, end)
    text = plain_lines(source.text[start:end])
    laid_out = lay_out(text, _margin(source.text, start))
    return laid_out if _same(before, laid_out) else text


def _margin(text: str, start: int) -> str:
    """The spaces before the fence, on the line above `start`."""
    end = start - text.endswith("\n", 0, start)
    end -= text.endswith("\r", 0, end)
    fence = text[max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1 : end]
    return fence[: len(fence) - len(fence.lstrip())]


def lay_out(text: str, margin: str = "") -> str:
    """A text without errors in canonical layout, `margin` before each line."""
    return "".join(f"{line}\n" for line in _lines(text, margin))


@dataclass(frozen=True)
class _Piece:
    """A comment, or a statement with its tokens, at `[start, end)`."""

    start: int
    end: int
    tokens: tuple[Token, ...] = ()

    @property
    def kind(self) -> str:
        """What the statement begins with; empty for a comment."""
        return self.tokens[0].type if self.tokens else ""


def _lines(text: str, margin: str) -> Iterator[str]:
    front = find_front_matter(text)
    length = front.end() if front else 0
    if front:
        yield from (f"{front[1]}---", *lay_out_front_matter(front["yaml"]), f"{front[1]}---")
    blank = " " * length + text[length:]
    prepared, comments = prepare(blank), find_comments(blank)
    layout = StatementLayout(text, prepared, comments)
    depth, last, kind = 0, length - 1, ""
    for piece in _pieces(layout, prepared, length, comments):
        closes = piece.kind == "END"
        depth -= closes
        if text.count("\n", max(last, 0), piece.start) > 1 and not closes and kind != "SUBGRAPH":
            yield ""
        indent = margin + STEP * min(depth, MAX_DEPTH)
        if piece.tokens:
            line = layout.write(piece.tokens, indent)
            yield from (indent + text[slice(*place)].rstrip() for place in layout.take_hoisted())
            yield line
        else:
            yield indent + _comment(text[piece.start : piece.end])
        depth += piece.kind in ("KIND", "SUBGRAPH")
        last, kind = piece.end, piece.kind


def _pieces(
    layout: StatementLayout, prepared: str, start: int, comments: list[tuple[int, int]]
) -> list[_Piece]:
    """Statements, and the comments that stand between them, in order."""
    pieces: list[_Piece] = []
    position, count = start, 0
    for tokens in read_tokens(prepared, start):
        begin, end = tokens[0].start, layout.end(tokens)
        while count < len(comments) and comments[count][0] < end:
            if position <= comments[count][0] < begin:
                pieces.append(_Piece(*comments[count]))
            count += 1
        pieces.append(_Piece(begin, end, tuple(tokens)))
        position = end
    return pieces + [_Piece(*place) for place in comments[count:]]


def _comment(text: str) -> str:
    """Without spaces at its end; but a lone `%%` would be a box."""
    stripped = text.rstrip()
    return stripped if stripped != "%%" else "%% "


def _same(before: Diagram, text: str) -> bool:
    try:
        return bool(unplaced(parse(Source(before.source.name, text))) == unplaced(before))
    except DiagnosticError:
        return False
