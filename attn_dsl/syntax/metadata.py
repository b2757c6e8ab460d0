"""YAML in a diagram: front matter and `@{ … }` blocks, with a span for each key."""

from __future__ import annotations

import re
from collections.abc import Callable

from attn_dsl.diagnostics import DiagnosticError, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.diagram import Metadata, Text
from attn_dsl.syntax.prepare import without_comments
from attn_dsl.syntax.simple_data import read_simple

Place = Callable[[int, int], Span]
VALUE = re.compile(r"[\"']?\s*:[^\S\n]*(?P<text>\{[^{}]*\}|\[[^\[\]]*\]|[^\n,}]*)")
MAX_LENGTH = 20_000
"""Characters of one block; the YAML library reads some 200,000 a second."""

MAX_YAML = 200_000
"""Characters of all different blocks that take the library, and for each block 100 more."""


class Blocks:
    """Reads the `@{ … }` of one diagram, for as long as that takes no time to speak of."""

    def __init__(self) -> None:
        self._different: set[str] = set()
        self._cost = 0

    def read(self, block: Text) -> Metadata:
        """What a block says; raise `DiagnosticError` if it is no YAML, or one too many."""
        plain = read_plain(block)
        if plain is not None:
            return plain
        if block.text not in self._different:
            self._different.add(block.text)
            self._cost += min(len(block.text), MAX_LENGTH) + 100
        if self._cost > MAX_YAML:
            raise DiagnosticError([errors.much_yaml(block.span, MAX_YAML)])
        return read_block(block)


def read_plain(block: Text) -> Metadata | None:
    """What stands between the braces of `@{ … }`, if it takes no library to read."""
    text = _prepared(block)
    pairs = read_simple(text)
    if pairs is None:
        return None
    values = {key: value for key, value, _, _ in pairs}
    return Metadata(values, {key: _place(block.span, text, *at) for key, _, *at in pairs})


def read_block(block: Text) -> Metadata:
    """Read what stands between the braces of `@{ … }`; raise `DiagnosticError` if it is no YAML.

    On one line it is flow YAML, on several it is block YAML, as in mermaid.
    """
    if (plain := read_plain(block)) is not None:
        return plain
    text, inside = _prepared(block), block.span
    if "\n" in text:
        data = _read(text, lambda start, end: _place(inside, text, start, end))
        if not data.values:
            raise DiagnosticError([errors.no_yaml(inside)])
        return data
    flow = f"{{\n{text}\n}}"
    return _read(flow, lambda start, end: _place(inside, text, start - 2, end - 2))


def _prepared(block: Text) -> str:
    """Without comments, and with quoted texts on one line, as mermaid does it."""
    text = without_comments(block.text)
    if '"' not in text or "\n" not in text:
        return text
    return re.sub(r'"[^"]*"', lambda quoted: re.sub(r"\n\s*", "<br/>", quoted[0]), text)


def read_yaml(body: Span) -> Metadata:
    """Read block YAML, such as front matter; raise `DiagnosticError` if it is none."""
    return _read(body.text, lambda start, end: _place(body, body.text, start, end))


def as_text(value: object) -> str:
    """A value as mermaid shows it, which is as JavaScript writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ",".join("" if entry is None else as_text(entry) for entry in value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def sub_metadata(metadata: Metadata, key: str) -> Metadata:
    """The mapping under `key`, its keys placed as closely as they can be found."""
    values = metadata.values.get(key)
    if not isinstance(values, dict):
        return Metadata()
    entry = metadata.spans[key]
    named = {str(name): value for name, value in values.items()}
    return Metadata(named, {name: _find(entry, name) for name in named})


def _read(text: str, place: Place) -> Metadata:
    from attn_dsl.syntax.yaml import YAMLProblem, load  # noqa: PLC0415  (slow to load, not always needed)

    whole = place(0, len(text))
    if len(text) > MAX_LENGTH:
        raise DiagnosticError([errors.long_yaml(whole, MAX_LENGTH)])
    try:
        values, places = load(text)
    except YAMLProblem as problem:
        at = whole if problem.index is None else place(problem.index, problem.index + 1)
        raise DiagnosticError([errors.bad_yaml(at, str(problem))]) from None
    except RecursionError:
        raise DiagnosticError([errors.deep_yaml(whole)]) from None
    if values is None:
        return Metadata()
    if not isinstance(values, dict):
        raise DiagnosticError([errors.yaml_without_keys(whole)])  # a warning: it is left out
    named = {str(key): value for key, value in values.items()}
    return Metadata(named, {name: place(*at) for name, at in zip(named, places, strict=False)})


def _place(inside: Span, text: str, start: int, end: int) -> Span:
    """The span of `[start, end)` of `text`; of all of `inside` where that is another text."""
    if text != inside.text:
        return inside
    start = min(max(start, 0), len(text))
    first = inside.start + start
    return Span(inside.source, first, min(max(first + end - start, first + 1), inside.end + 1))


def _find(entry: Span, key: str) -> Span:
    """Where `key` stands inside `entry` with its value, else all of `entry`."""
    found = re.search(rf"(?<![\w.-]){re.escape(key)}(?=[\"']?\s*:)", entry.text)
    if not found:
        return entry
    value = VALUE.match(entry.text, found.end())
    end = value.end() if value else found.end()
    if value and not value["text"].strip():
        end += _indented(entry.text[end:], entry.source.text, entry.start + found.start())
    return Span(entry.source, entry.start + found.start(), entry.start + end)


def _indented(rest: str, text: str, start: int) -> int:
    """How far the lines below a key are its value: those that are indented deeper."""
    column = start - (text.rfind("\n", 0, start) + 1)
    below = re.match(rf"(\n([^\S\n]*|[^\S\n]{{{column + 1},}}\S[^\n]*)(?=\n|\Z))*", rest)
    return len(below[0].rstrip()) if below else 0
