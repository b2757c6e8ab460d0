"""Label text: entities decoded, and what mermaid's sanitizer leaves of it."""

from __future__ import annotations

import re
from html.entities import html5

from attn_dsl.diagnostics import Span
from attn_dsl.syntax.diagram import Text
from attn_dsl.syntax.prepare import without_comments
from attn_dsl.syntax.sanitize import sanitize

ENTITY = re.compile(r"[#&](#?\w+);")


def decode(text: str) -> str:
    """Replace `#quot;`, `#9829;`, `&lt;` and their like by the characters that they name."""
    return ENTITY.sub(_character, text)


def make_text(raw: str, span: Span) -> Text:
    """The `Text` of a label written as `raw`; `span` covers `raw`."""
    start = span.start + len(raw) - len(raw.lstrip())
    place = Span(span.source, start, start + len(raw.strip()))
    text = without_comments(raw).strip()
    shown = decode(sanitize(text))
    return Text(decode(text), place, None if shown == decode(text) else shown)


def _character(entity: re.Match[str]) -> str:
    name = entity[1].removeprefix("#")
    if re.fullmatch(r"[0-9]+", name):
        return _numbered(int(name), entity[0])
    if re.fullmatch(r"x[0-9a-fA-F]+", name) and entity[0].startswith("&#"):
        return _numbered(int(name[1:], 16), entity[0])
    return html5.get(f"{name};", f"&{name};")


def _numbered(number: int, otherwise: str) -> str:
    valid = 0 < number < 0x110000 and not 0xD800 <= number < 0xE000
    return chr(number) if valid else otherwise


def is_cut(text: Text) -> bool:
    """Whether mermaid shows less, or other tags, than the label says."""
    return text.shown is not None and _bare(text.shown) != _bare(text.text)


def _bare(text: str) -> str:
    """Without what a sanitizer may rewrite and no reader sees: `<br/>` is `<br>`."""
    return re.sub(r"[\s/\"']", "", text).lower()
