"""The layout of one statement: its tokens as they were written, with other white space between."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from attn_dsl.grammars import Token
from attn_dsl.syntax.layout_data import lay_out_data

STEP = "    "
BREAKS = frozenset({"_BREAK", "_LINE_END", "_SEMICOLON"})
ARROWS = re.compile(r"ARROW|(OPEN|CLOSE)_(LINE|THICK|DOTTED)")
DIRECTIONS = frozenset({"DIRECTION", "INDENTED_DIRECTION"})
DIRECTION = re.compile(r"direction\s+(TB|BT|RL|LR|TD)\s*;*")


class StatementLayout:
    """Writes statements anew: `text` is the author's, `prepared` what the grammar read.

    Comments that stood where a line has no place for one are to be taken after each statement.
    """

    def __init__(self, text: str, prepared: str, comments: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._prepared = prepared
        self._comments = comments
        self._hoisted: list[tuple[int, int]] = []

    def end(self, tokens: Sequence[Token]) -> int:
        """Where the statement ends: before the line end, semicolon and spaces that close it."""
        last = next(t for t in reversed(tokens) if t.type not in BREAKS and t.type != "_GAP")
        start, end = _places(last)
        return start + len("end") if last.type == "END" else self._stripped(start, end)[1]

    def write(self, tokens: Sequence[Token], indent: str) -> str:
        """The statement as it should stand at `indent`, which it begins with."""
        tokens = [token for token in tokens if token.type not in BREAKS]
        while tokens[-1].type == "_GAP":
            tokens.pop()
        match tokens[0].type:
            case "SUBGRAPH":
                line = self._subgraph(tokens)
            case "END":
                line = "end"
            case "DIRECTION" | "INDENTED_DIRECTION":
                line = self._direction(tokens)
            case _:
                line = self._line(tokens, indent)
        if tokens[0].type not in DIRECTIONS and re.match(rf"[^\n]*{DIRECTION.pattern}", line):
            return line  # indented, it would be a direction
        return indent + line

    def take_hoisted(self) -> list[tuple[int, int]]:
        """The comments that have to stand above the statement that was written last."""
        hoisted, self._hoisted = self._hoisted, []
        return hoisted

    # ---- kinds of statements

    def _subgraph(self, tokens: Sequence[Token]) -> str:
        self._hoist(*_places(tokens[1]))
        opener = next((t for t in tokens if t == "[" and t.type not in ("TITLE", "STRING")), None)
        start, end = _places(tokens[2])[0], _places(tokens[-1])[1]
        middle = end if opener is None else _places(opener)[0]
        title, label = self._text[start:middle], self._text[middle:end]
        # Mermaid counts `subgraph One ` up, for the space in its title.
        words = len(title.replace('"', " ").split())
        kept = words == 0 or (not label and words == 1)
        return "subgraph " + (title if kept else title.strip()) + label

    def _direction(self, tokens: Sequence[Token]) -> str:
        """A direction, or a line that mermaid takes for one: that is left as it is."""
        written = self._written(tokens[0]).strip()
        plain = DIRECTION.fullmatch(written)
        return f"direction {plain[1]}" if plain else written

    def _line(self, tokens: Sequence[Token], indent: str) -> str:
        parts: list[str] = []
        for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
            kinds = before.type if before else "", after.type if after else ""
            parts.append(self._token(token, *kinds, indent))
        return "".join(parts)

    # ---- tokens

    def _token(self, token: Token, before: str, after: str, indent: str) -> str:
        written = self._written(token)
        match token.type:
            case "_AND":
                return self._squeeze(token, " & ")
            case "SIDE":
                return self._squeeze(token, f" {token.strip()}")
            case "_SPACE" | "_TITLE_SPACE" | "_GAP":
                closed = before == "VBAR" or ARROWS.fullmatch(after)
                return self._squeeze(token, "" if closed else " ")
            case "_CLICK" | "_HREF":
                return self._squeeze(token, " ".join(token.split()) + " ")
            case "_CURVE":
                return self._squeeze(token, " ".join(token.split()))
            case "VBAR":
                return "| "
            case "TEXT" if after == "VBAR" and not self._inside(*_places(token)):
                return written.strip() or " "
            case "DATA" if "DATA" not in (before, after):
                return lay_out_data(written[2 : written.rindex("}")], indent, STEP)
            case "CSS":
                return written.strip().rstrip(";").rstrip()
            case kind if ARROWS.fullmatch(kind):
                return self._arrow(token, before == "LINK_ID", after == "_PIPE", indent)
        return written.strip() if token.type == "_ACCESSIBILITY" else written

    def _arrow(self, token: Token, named: bool, piped: bool, indent: str) -> str:
        """An arrow between spaces; comments in its white space keep their lines."""
        start, end = _places(token)
        first, last = self._stripped(start, end)
        if named:
            self._hoist(start, first)
        if piped:
            self._hoist(last, end)
        before = "" if named else self._gap(start, first, indent)
        return before + self._text[first:last] + ("" if piped else self._gap(last, end, indent))

    def _gap(self, start: int, end: int, indent: str) -> str:
        lines = [self._text[first:last].rstrip() for first, last in self._inside(start, end)]
        between = f"\n{indent}{STEP}"
        return "".join(between + line for line in lines) + between if lines else " "

    def _squeeze(self, token: Token, text: str) -> str:
        self._hoist(*_places(token))
        return text

    # ---- places

    def _hoist(self, start: int, end: int) -> None:
        self._hoisted += self._inside(start, end)

    def _inside(self, start: int, end: int) -> list[tuple[int, int]]:
        first, last = (bisect_left(self._comments, (place,)) for place in (start, end))
        return list(self._comments[first:last])

    def _stripped(self, start: int, end: int) -> tuple[int, int]:
        """Without the white space around it, for which comments count as well."""
        read = self._prepared[start:end]
        return end - len(read.lstrip()), start + len(read.rstrip())

    def _written(self, token: Token) -> str:
        start, end = _places(token)
        return self._text[start:end]


def _places(token: Token) -> tuple[int, int]:
    return token.start, token.end
