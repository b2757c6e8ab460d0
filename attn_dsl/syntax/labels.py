"""Label text: entities decoded, and what mermaid's sanitizer leaves of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5

from attn_dsl.diagnostics import Span
from attn_dsl.syntax.diagram import Text
from attn_dsl.syntax.prepare import without_comments
from attn_dsl.syntax.sanitize import sanitize

NUMBER = re.compile(r"&#(\d{1,7});?", re.ASCII)
ENTITY = re.compile(r"#(\w+);", re.ASCII)


def decode(text: str) -> str:
    """Replace `#quot;`, `#9829;`, `&lt;` and their like by the characters that they name."""
    if "#" not in text and "&" not in text:
        return text
    return unescape(NUMBER.sub(_kept, ENTITY.sub(_as_html, text)))


def nameless(text: str) -> Iterator[re.Match[str]]:
    """Where `text` has an entity that names no character, as in `#1 of #word;`."""
    known = (e for e in ENTITY.finditer(text) if not e[1].isdigit())
    return (entity for entity in known if f"{entity[1]};" not in html5)


def make_text(raw: str, span: Span) -> Text:
    """The `Text` of a label written as `raw`; `span` covers `raw`."""
    start = span.start + len(raw) - len(raw.lstrip())
    place = Span(span.source, start, start + len(raw.strip()))
    text = without_comments(raw).strip()
    shown = decode(sanitize(text))
    return Text(decode(text), place, None if shown == decode(text) else shown)


def _as_html(entity: re.Match[str]) -> str:
    return f"&#{entity[1]};" if entity[1].isdigit() else f"&{entity[1]};"


def _kept(number: re.Match[str]) -> str:
    """A control character by its number, which Python would drop and a browser shows."""
    return number[0] if unescape(number[0]) else chr(int(number[1]))


def is_cut(text: Text) -> bool:
    """Whether mermaid shows less, or other tags, than the label says."""
    return text.shown is not None and _bare(text.shown) != _bare(text.text)


def _bare(text: str) -> str:
    """Without what a sanitizer may rewrite and no reader sees: `<br/>` is `<br>`."""
    return re.sub(r"[\s/\"']", "", text).lower()
