"""From a statement that the grammar refused to the words that explain it.

The grammar says only where it stopped and what it had read; here that is matched with what
people really get wrong.
"""

from __future__ import annotations

import re

from attn_dsl.diagnostics import Diagnostic, Source, Span, nearest
from attn_dsl.grammars import Token
from attn_dsl.syntax import errors
from attn_dsl.syntax.parser import LABELS, Failure

CLOSERS = {
    "[": "]", "(": ")", "{": "}", "([": "])", "[[": "]]", "[(": ")]", "((": "))", "(((": ")))",
    "{{": "}}", "(-": "-)", ">": "]", "[/": "/]", "[\\": "\\]", "[|": "]", "|": "|",
}  # fmt: skip
ARROWS = frozenset({"ARROW", "CLOSE_LINE", "CLOSE_THICK", "CLOSE_DOTTED"})
FORMS = {
    "_STYLE": "style ID fill:#bbf,stroke:#333",
    "_CLASS_DEF": "classDef NAME fill:#bbf,stroke:#333",
    "_CLASS": "class ID,ID NAME",
    "_LINK_STYLE": "linkStyle 0,1 stroke:#333",
    "_CLICK": 'click ID "https://…" "tooltip"',
}
RESERVED = re.compile(
    r"(style|linkStyle|interpolate|classDef|class|graph|flowchart(-elk)?|swimlane-beta|subgraph|end"
    r"|_self|_blank|_parent|_top|click|call|href)\b"
)
OTHER_DIAGRAM = re.compile(
    r"\w+(Diagram|Graph|Chart)(-v2)?|\w+-beta|C4\w+|xychart|gantt|pie|mindmap|journey|timeline|kanban"
)
ARROW = re.compile(r"[xo<]?(--|==|-?\.+-|-\.|~~~)[-=.xo>]*")
EDGE_NAME = re.compile(r'[^\s"]+@(?=[^{"])')
ENTITY_IN_ID = re.compile(r"[\w.-]*(#\w+;)")
DIRECTION = re.compile(r"[^\n]{0,1000}direction\s+(TB|BT|RL|LR|TD)")
OTHER_ARROW = re.compile(r"[-=~]{1,2}>|[-=]>|[←-⇿⟵-⟿➔-➾⤀-⥿]|[–—]+>?")
COMMENT = re.compile(r"%%|//|#(?=\s)")
STRANGE_QUOTES = tuple("'`“”„‘’«»")
WORD = re.compile(r"[\w.-]+|[^\n]")


class Mistakes:
    """Explains what is wrong in one block: `text`, which begins at offset `base` of `source`."""

    def __init__(self, text: str, source: Source, base: int) -> None:
        self._text = text
        self._source = source
        self._base = base

    def in_header(self, failure: Failure) -> Diagnostic:
        """What is wrong with the first line."""
        if failure.tokens:
            return errors.header_rest(self._line(self._after_space(failure.at)))
        word = self._word(self._after_space(failure.at))
        meant = nearest(word.text.lower(), ["flowchart", "graph"])
        if OTHER_DIAGRAM.fullmatch(word.text) and word.text.lower() not in meant:
            return errors.other_diagram(word)
        return errors.header_missing(word, meant[0] if meant else "")

    def in_statement(self, failure: Failure) -> Diagnostic:
        """What is wrong with a statement; what can be told apart best comes first."""
        if failure.endless:
            return errors.endless(self._token(failure.tokens[0]), len(failure.tokens))
        kinds = [token.type for token in failure.tokens]
        if opener := _opener(failure):
            return self._in_label(failure, opener)
        if "SUBGRAPH" in kinds:
            return self._in_subgraph(failure)
        if kinds and kinds[0] in FORMS:
            return self._in_form(failure, FORMS[kinds[0]])
        if "ID" in failure.expected:
            return self._at_id(failure)
        return self._after_box(failure)

    # ---- one function for each place where a statement can go wrong

    def _in_label(self, failure: Failure, opener: Token) -> Diagnostic:
        rest = self._text[failure.at :]
        place = self._token(opener)
        last = failure.tokens[-1]
        if rest.startswith('"'):
            return self._at_quote(failure, opener)
        if opener.type.startswith("OPEN"):
            return errors.open_edge_label(place)
        closer = CLOSERS[opener]
        if last is opener and rest.startswith(closer):
            return errors.empty_label(self._span(opener.start, failure.at + len(closer)))
        line = rest.split("\n", 1)[0]
        if failure.swallowed or closer not in line:
            return errors.unclosed(place, closer)
        begin = self._text[opener.end : opener.end + 1]
        strange = begin if begin in STRANGE_QUOTES else ""
        return errors.needs_quotes(self._span(failure.at, failure.at + 1), place, closer, strange)

    def _at_quote(self, failure: Failure, opener: Token) -> Diagnostic:
        quote = self._span(failure.at, failure.at + 1)
        if failure.swallowed and failure.swallowed.type in ("STRING", "MARKDOWN"):
            start = failure.swallowed.start
            return errors.unclosed(self._span(start, start + 1), '"')
        if failure.swallowed:
            return errors.unclosed(self._token(opener), CLOSERS.get(opener, ""))
        if failure.tokens[-1] is not opener:
            return errors.after_quotes(quote)
        if self._text.startswith('""', failure.at):
            return errors.empty_label(self._span(failure.at, failure.at + 2))
        if self._text.startswith('"`', failure.at):
            return errors.unclosed(self._span(failure.at, failure.at + 2), '`"')
        return errors.unclosed(quote, '"')

    def _in_subgraph(self, failure: Failure) -> Diagnostic:
        line = self._line(failure.start)
        if line.text.strip() == "subgraph":
            return errors.untitled_subgraph(line)
        if self._rest_is_space(failure):
            return errors.trailing_space(self._spaces(failure.at))
        if re.search(r"direction\s+(TB|BT|RL|LR|TD)", line.text):
            return errors.direction_in_line(line)
        return errors.bad_title(self._word(failure.at))

    def _in_form(self, failure: Failure, form: str) -> Diagnostic:
        if self._rest_is_space(failure) and len(failure.tokens) > 3:
            return errors.trailing_space(self._spaces(failure.at))
        return errors.incomplete(self._line(failure.start), form)

    def _at_id(self, failure: Failure) -> Diagnostic:
        """A box should stand here: at the start of a statement, after an arrow, after `&`."""
        arrow = next((t for t in reversed(failure.tokens) if t.type in ARROWS), None)
        reserved = RESERVED.match(self._text, failure.at)
        new_line = self._text[: failure.at].rstrip(" \t").endswith("\n")
        if arrow and (failure.at >= len(self._text) or (reserved and new_line)):
            return errors.arrow_without_target(self._token(arrow))
        if reserved:
            return errors.reserved(self._span(*reserved.span()))
        if self._text.startswith("\n", failure.at):
            return errors.box_missing(self._span(failure.at, failure.at), failure.before == "_AND")
        if self._text.startswith((" ", "\t"), failure.at):
            return errors.second_space(self._spaces(failure.at))
        if entity := ENTITY_IN_ID.match(self._text, failure.at):
            return errors.not_in_id(self._span(*entity.span(1)))
        if name := EDGE_NAME.match(self._text, failure.at):
            return errors.at_sign(self._span(name.end() - 1, name.end()))
        if found := ARROW.match(self._text, failure.at):
            return errors.arrow_without_source(self._span(*found.span()))
        word = self._word(failure.at)
        return errors.label_before_id(word) if word.text in '"[({>' else errors.not_in_id(word)

    def _after_box(self, failure: Failure) -> Diagnostic:
        start = self._after_space(failure.at)
        gap = self._span(failure.at, start)
        if failure.before == "_GAP":
            gap = self._token(failure.tokens[-1])
        rest = self._text[start:]
        if DIRECTION.match(self._text, failure.at):
            return errors.direction_after_box(self._line(start))
        if COMMENT.match(rest):
            return errors.trailing_comment(self._line(start))
        if rest.startswith("@{") and not gap.text:
            return errors.open_metadata(self._span(start, start + 2))
        if rest.startswith(("@{", "[", "(", "{", '"')) and gap.text:
            return errors.space_before(gap, "metadata" if rest[0] == "@" else "a label")
        if failure.before == "DATA" and rest.startswith("}"):
            return errors.brace_in_metadata(self._span(start, start + 1))
        if failure.before == "DATA" and gap.text:
            return errors.trailing_space(gap)
        if rest.startswith("&"):
            return errors.lone_ampersand(self._span(start, start + 1))
        if failure.before == "ID" and not gap.text and rest[:1] not in ("", "\n"):
            return errors.not_in_id(self._span(start, start + 1))
        return errors.text_after_box(self._word(start), self._meant(failure, start))

    def _meant(self, failure: Failure, start: int) -> str:
        """What may have been meant by what follows a box; empty if nothing comes to mind."""
        rest, last = self._line(start).text, failure.tokens[-1]
        before = next((t for t in reversed(failure.tokens) if t.type == "ID"), last)
        if before.startswith(("//", "#")):
            return "a comment has a line to itself, which begins with `%%`"
        if before.endswith(",") or rest.startswith(","):
            return "boxes are joined by `&`: `Q & K --> S`"
        if OTHER_ARROW.match(rest):
            return "an arrow is written `-->`"
        if rest.startswith("="):
            return 'an equation is the label of a box: `Q & K --> S["S = Q @ Kᵀ"]`'
        if before is last or last.type == "_GAP":
            name = "_".join([before, *re.findall(r"\w+", rest)[:1]])
            if re.match(r"\w+\s*[\[({@]", rest):
                return f"an id has no spaces: write `{name}`, and the words in its label"
            if re.match(r"\w+\s*([xo<]?(--|==|-\.)|&)", rest):
                return f"join two boxes by `&`; the id of one has no spaces: `{name}`"
        return ""

    # ---- places

    def _span(self, start: int, end: int) -> Span:
        size = len(self._source.text)
        return Span(self._source, min(self._base + start, size), min(self._base + end, size))

    def _token(self, token: Token) -> Span:
        """The span of a token without the white space around it."""
        start = token.start + len(token) - len(token.lstrip())
        return self._span(start, start + max(1, len(token.strip())))

    def _word(self, start: int) -> Span:
        """The word or the one character at `start`; empty at the end of a line."""
        found = WORD.match(self._text, start)
        return self._span(start, found.end() if found else start)

    def _line(self, start: int) -> Span:
        """What follows on the line."""
        line = self._text[start:].split("\n", 1)[0].rstrip()
        return self._span(start, start + len(line))

    def _spaces(self, start: int) -> Span:
        return self._span(start, self._after_space(start))

    def _after_space(self, start: int) -> int:
        rest = self._text[start:].split("\n", 1)[0]
        return start + len(rest) - len(rest.lstrip())

    def _rest_is_space(self, failure: Failure) -> bool:
        return not self._line(failure.at).text and self._after_space(failure.at) > failure.at


def _opener(failure: Failure) -> Token | None:
    """The bracket or labelled arrow that is open where the statement fails."""
    for token in reversed(failure.tokens):
        if token.type not in LABELS:
            bracket = token in CLOSERS and "ID" not in failure.expected
            return token if bracket or token.type.startswith("OPEN") else None
    return None
