"""What the grammar reads to `statements`; a method here is named for the rule that it reads."""

from __future__ import annotations

import re
from typing import Any

from attn_dsl.diagnostics import Source, Span
from attn_dsl.grammars import Token
from attn_dsl.syntax.arrows import arrow, labelled_arrow
from attn_dsl.syntax.diagram import Text
from attn_dsl.syntax.labels import make_text
from attn_dsl.syntax.statements import (
    Assign,
    Chain,
    ClassDef,
    Close,
    Direction,
    Header,
    Ignored,
    Link,
    LinkStyle,
    Mention,
    Open,
    Style,
)

SIDES = {"TD": "TB", "v": "TB", "^": "BT", "<": "RL", ">": "LR", "": "TB"}
# Where one line names several, mermaid takes the one that it looks for first.
ORDER = ("TB", "BT", "RL", "LR", "TD")


class Reader:
    """Builds the statements of one block, which begins at offset `base` of `source`.

    Each method takes what its rule's parts have become, and where it stands.
    """

    def __init__(self, source: Source, base: int) -> None:
        self.source = source
        self.base = base
        names = [name for name in dir(self) if name.startswith("read_")]
        self._readers = {name.removeprefix("read_"): getattr(self, name) for name in names}

    def build(self, rule: str, children: list[Any], start: int, end: int) -> Any:
        """What `rule` makes of its parts; one without a method is a shape around a text."""
        reader = self._readers.get(rule)
        return reader(children, start, end) if reader else (rule, children[0])

    def span(self, start: int, end: int) -> Span:
        """The span of what the grammar found at `[start, end)`."""
        return Span(self.source, self.base + start, self.base + end)

    def read_header(self, children: list[Token], start: int, end: int) -> Header:
        side = children[1].strip() if len(children) > 1 else ""
        return Header(SIDES.get(side, side))

    # ---- boxes

    def read_text(self, tokens: list[Token], start: int, end: int) -> Text:
        raw, start = _joined(tokens)
        return make_text(raw, self.span(start, start + len(raw)))

    def read_bare(self, children: list[Any], start: int, end: int) -> Mention:
        token, *rest = children
        id_span = self.span(token.start, token.end)
        if not rest:
            return Mention(str(token), id_span, id_span)
        shape, label = rest[0] if isinstance(rest[0], tuple) else ("", None)
        css_class = rest[-1] if isinstance(rest[-1], str) else None
        return Mention(str(token), id_span, self.span(start, end), shape, label, css_class)

    def read_css_class(self, children: list[Token], start: int, end: int) -> str:
        return str(children[0])

    def read_node_with_data(self, children: list[Any], start: int, end: int) -> Mention:
        """A box and what stands in its braces; of several, mermaid puts the texts together."""
        mention: Mention = children[0]
        blocks: list[Token] = children[1:]
        text = "".join(block[len("@{") : block.rindex("}")] for block in blocks)
        first, last = blocks[0].start + len("@{"), blocks[-1].start + blocks[-1].rindex("}")
        inside = Text(text, self.span(first, last))
        return mention._replace(span=self.span(start, last + 1), data=inside)

    # ---- arrows

    def read_group(self, mentions: list[Mention], start: int, end: int) -> tuple[Mention, ...]:
        return tuple(mentions)

    def read_chain(self, parts: list[Any], start: int, end: int) -> Chain:
        groups = tuple((part,) if isinstance(part, Mention) else part for part in parts[::2])
        return Chain(groups, tuple(parts[1::2]))

    def read_link(self, parts: list[Any], start: int, end: int) -> Link:
        tokens = [part for part in parts if isinstance(part, Token)]
        label = next((part for part in parts if isinstance(part, Text)), None)
        name = tokens.pop(0).replace("@", "", 1) if tokens[0].type == "LINK_ID" else None
        if len(tokens) == 2:
            stroke, head, even = labelled_arrow(tokens[0], tokens[1])
        else:
            (stroke, head), even = arrow(tokens[0]), True
        return Link(self._stripped(start, end), stroke, head, label, name, even)

    def _stripped(self, start: int, end: int) -> Span:
        """The span without the white space that an arrow takes with it."""
        span = self.span(start, end)
        start = span.start + len(span.text) - len(span.text.lstrip())
        return Span(self.source, start, span.start + len(span.text.rstrip()))

    # ---- subgraphs

    def read_title(self, tokens: list[Token], start: int, end: int) -> tuple[str, Text]:
        raw, start = _joined(tokens)
        return raw, make_text(raw, self.span(start, start + len(raw)))

    def read_open(self, children: list[Any], start: int, end: int) -> Open:
        _, (raw, title), *label = children
        counted = not label and re.search(r"\s", raw)
        id = None if counted else raw.strip()
        return Open(id, label[0] if label else title, self._stripped(start, end))

    def broken_subgraph(self, word: Token) -> Open:
        """Stand in for a `subgraph` line that could not be read, so that its `end` finds it."""
        span = self.span(word.start, word.end)
        return Open(None, Text("", span), span)

    def read_close(self, children: list[Token], start: int, end: int) -> Close:
        return Close(self.span(start, start + len("end")))

    def read_direction(self, children: list[Token], start: int, end: int) -> Direction:
        found = (re.match(rf"[^\n]*direction\s+({side})", children[0]) for side in ORDER)
        return Direction(next(match[1] for match in found if match), self._stripped(start, end))

    # ---- styles

    def read_style(self, children: list[Token], start: int, end: int) -> Style:
        token, css = children
        return Style(str(token), _css(css), self.span(token.start, token.end))

    def read_class_def(self, children: list[Token], start: int, end: int) -> ClassDef:
        return ClassDef(tuple(children[0].split(",")), _css(children[1]))

    def read_assign(self, children: list[Token], start: int, end: int) -> Assign:
        return Assign(tuple(children[0].split(",")), str(children[1]))

    def read_link_style(self, children: list[Token], start: int, end: int) -> LinkStyle:
        edges, *css = children
        found = re.compile(r"\w+").finditer(edges)
        start = edges.start
        places = ((m[0], self.span(start + m.start(), start + m.end())) for m in found)
        return LinkStyle(tuple(places), _css("".join(css)))

    def read_ignored(self, children: list[Token], start: int, end: int) -> Ignored:
        return Ignored(self._stripped(start, end))


def _joined(tokens: list[Token]) -> tuple[str, int]:
    """The text of a label, without quotes, and where it begins."""
    first, *rest = tokens
    marks = {"STRING": 1, "MARKDOWN": 2}.get(first.type, 0)
    return first[marks : len(first) - marks] + "".join(rest), first.start + marks


def _css(text: str) -> tuple[str, ...]:
    """Declarations, divided at commas that no backslash stands before."""
    parts = (part.strip().replace("\\,", ",") for part in re.split(r"(?<!\\),", text))
    return tuple(part for part in parts if part)
