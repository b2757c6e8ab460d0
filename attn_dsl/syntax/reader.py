"""The grammar's trees to `statements`; a method here is named for the rule that it reads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from attn_dsl.diagnostics import Source, Span
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


@v_args(meta=True)
class Reader(Transformer[Token, Any]):
    """Reads the trees of one block, which begins at offset `base` of `source`."""

    def __init__(self, source: Source, base: int) -> None:
        super().__init__()
        self.source = source
        self.base = base

    def span(self, start: int, end: int) -> Span:
        """The span of what the grammar found at `[start, end)`."""
        return Span(self.source, self.base + start, self.base + end)

    def header(self, meta: Meta, children: list[Token]) -> Header:
        side = children[1].strip() if len(children) > 1 else ""
        return Header(SIDES.get(side, side))

    # ---- boxes

    def text(self, meta: Meta, tokens: list[Token]) -> Text:
        raw, start = _joined(tokens)
        return make_text(raw, self.span(start, start + len(raw)))

    def bare(self, meta: Meta, children: list[Any]) -> Mention:
        token, *rest = children
        shape, label = next((part for part in rest if isinstance(part, tuple)), ("", None))
        css_class = next((part for part in rest if isinstance(part, str)), None)
        id_span = self.span(token.start_pos, token.end_pos)
        span = self.span(meta.start_pos, meta.end_pos)
        return Mention(str(token), id_span, span, shape, label, css_class)

    def __default__(self, shape: str, children: list[Text], meta: Meta) -> tuple[str, Text]:
        """Every rule without a method of its own is a shape around a text."""
        return str(shape), children[0]

    def css_class(self, meta: Meta, children: list[Token]) -> str:
        return str(children[0])

    def node_with_data(self, meta: Meta, children: list[Any]) -> Mention:
        mention: Mention = children[0]
        data: Token = children[1]
        start = (data.start_pos or 0) + len("@{")
        text = data[len("@{") : data.rindex("}")]
        inside = self.span(start, start + len(text))
        span = self.span(meta.start_pos, start + len(text) + 1)
        return replace(mention, span=span, data=Text(text, inside))

    # ---- arrows

    def group(self, meta: Meta, mentions: list[Mention]) -> tuple[Mention, ...]:
        return tuple(mentions)

    def chain(self, meta: Meta, parts: list[Any]) -> Chain:
        return Chain(tuple(parts[::2]), tuple(parts[1::2]))

    def link(self, meta: Meta, parts: list[Any]) -> Link:
        tokens = [part for part in parts if isinstance(part, Token)]
        label = next((part for part in parts if isinstance(part, Text)), None)
        name = tokens.pop(0).replace("@", "", 1) if tokens[0].type == "LINK_ID" else None
        if len(tokens) == 2:
            stroke, head, even = labelled_arrow(tokens[0], tokens[1])
        else:
            (stroke, head), even = arrow(tokens[0]), True
        return Link(self._stripped(meta), stroke, head, label, name, even)

    def _stripped(self, meta: Meta) -> Span:
        """The span without the white space that an arrow takes with it."""
        span = self.span(meta.start_pos, meta.end_pos)
        start = span.end - len(span.text.lstrip())
        return Span(self.source, start, span.start + len(span.text.rstrip()))

    # ---- subgraphs

    def title(self, meta: Meta, tokens: list[Token]) -> tuple[str, Text]:
        raw, start = _joined(tokens)
        return raw, make_text(raw, self.span(start, start + len(raw)))

    def open(self, meta: Meta, children: list[Any]) -> Open:
        _, (raw, title), *label = children
        counted = not label and re.search(r"\s", raw)
        id = None if counted else raw.strip()
        return Open(id, label[0] if label else title, self._stripped(meta))

    def broken_subgraph(self, word: Token) -> Open:
        """Stand in for a `subgraph` line that could not be read, so that its `end` finds it."""
        span = self.span(word.start_pos or 0, word.end_pos or 0)
        return Open(None, Text("", span), span)

    def close(self, meta: Meta, children: list[Token]) -> Close:
        return Close(self.span(meta.start_pos, meta.start_pos + len("end")))

    def direction(self, meta: Meta, children: list[Token]) -> Direction:
        found = (re.search(rf"direction\s+({side})", children[0]) for side in ORDER)
        return Direction(next(match[1] for match in found if match), self._stripped(meta))

    # ---- styles

    def style(self, meta: Meta, children: list[Token]) -> Style:
        token, css = children
        return Style(str(token), _css(css), self.span(token.start_pos or 0, token.end_pos or 0))

    def class_def(self, meta: Meta, children: list[Token]) -> ClassDef:
        return ClassDef(tuple(children[0].split(",")), _css(children[1]))

    def assign(self, meta: Meta, children: list[Token]) -> Assign:
        return Assign(tuple(children[0].split(",")), str(children[1]))

    def link_style(self, meta: Meta, children: list[Token]) -> LinkStyle:
        edges, *css = children
        found = re.compile(r"\w+").finditer(edges)
        start = edges.start_pos or 0
        places = ((m[0], self.span(start + m.start(), start + m.end())) for m in found)
        return LinkStyle(tuple(places), _css("".join(css)))

    def ignored(self, meta: Meta, children: list[Token]) -> Ignored:
        return Ignored()


def _joined(tokens: list[Token]) -> tuple[str, int]:
    """The text of a label, without quotes, and where it begins."""
    first, *rest = tokens
    marks = {"STRING": 1, "MARKDOWN": 2}.get(first.type, 0)
    return first[marks : len(first) - marks] + "".join(rest), (first.start_pos or 0) + marks


def _css(text: str) -> tuple[str, ...]:
    """Declarations, divided at commas that no backslash stands before."""
    parts = (part.strip().replace("\\,", ",") for part in re.split(r"(?<!\\),", text))
    return tuple(part for part in parts if part)
