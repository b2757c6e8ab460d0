"""YAML in a diagram: front matter and `@{ … }` blocks, with a span for each key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import accumulate
from math import inf, isfinite
from typing import Any

from attn_dsl.diagnostics import DiagnosticError, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.diagram import Metadata, Text
from attn_dsl.syntax.prepare import without_comments
from attn_dsl.syntax.simple_data import read_simple

Place = Callable[[int, int], Span]
VALUE = re.compile(r"[\"']?\s*:[^\S\n]*(?P<text>\{[^{}]*\}|\[[^\[\]]*\]|[^\n,}]*)")
# Where an entity begins, which to mermaid is no comment of YAML, and what stands for it.
ENTITY, MARK = re.compile(r"#(?=\w+;)", re.ASCII), "\ufdd0"
QUOTED, BRACKETS = re.compile(r"\"[^\"]*\"|'[^']*'"), re.compile(r"[\[\]{}]")
MAX_DEPTH = 100
"""Levels of brackets in one block."""

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
    marked = ENTITY.sub(MARK, text)
    if "\n" in text:
        data = _read(marked, lambda start, end: _place(inside, text, start, end))
        if not data.values:
            raise DiagnosticError([errors.no_yaml(inside)])
    else:
        flow = f"{{\n{marked}\n}}"
        data = _read(flow, lambda start, end: _place(inside, text, start - 2, end - 2))
    return data if marked == text else _unmarked(data)


def _unmarked(data: Metadata) -> Metadata:
    spans = {key.replace(MARK, "#"): span for key, span in data.spans.items()}
    return Metadata(_with_entities(data.values), spans)


def _with_entities(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(MARK, "#")
    if isinstance(value, list):
        return [_with_entities(entry) for entry in value]
    if isinstance(value, Mapping):
        return {_with_entities(key): _with_entities(entry) for key, entry in value.items()}
    return value


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
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list):
        return ",".join("" if entry is None else as_text(entry) for entry in value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def is_said(value: object) -> bool:
    """Whether JavaScript takes `value` for true."""
    return value not in (None, False, 0, "") and value == value


def _number(value: float) -> str:
    """A number in the digits of a double, with an exponent where JavaScript puts one."""
    try:
        number = float(value)
    except OverflowError:  # of a whole number
        number = inf if value > 0 else -inf
    if not isfinite(number):
        return str(number).replace("nan", "NaN").replace("inf", "Infinity")
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < 1e21:
        return f"{Decimal(repr(number)):f}".removesuffix(".0")
    digits, exponent = repr(number).split("e")
    return f"{digits}e{int(exponent):+d}"


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
    if _depth(text) > MAX_DEPTH:
        raise DiagnosticError([errors.deep_yaml(whole)])
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
    named = {as_text(key): value for key, value in values.items()}
    return Metadata(named, {name: place(*at) for name, at in zip(named, places, strict=False)})


def _depth(text: str) -> int:
    """How deeply brackets nest outside quotes, roughly: the YAML library takes squares of it."""
    steps = {"[": 1, "{": 1, "]": -1, "}": -1}
    marks = BRACKETS.findall(QUOTED.sub("", text))
    return max(accumulate(steps[mark] for mark in marks), default=0)


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
