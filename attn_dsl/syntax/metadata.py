"""YAML in a diagram: front matter and `@{ … }` blocks, with a span for each key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode

from attn_dsl.diagnostics import DiagnosticError, Span
from attn_dsl.syntax import errors
from attn_dsl.syntax.diagram import Metadata, Text
from attn_dsl.syntax.prepare import without_comments

Place = Callable[[int, int], Span]


class _Constructor(SafeConstructor):
    """Mermaid's YAML knows no dates: `2025-01-01` is a text."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def read_block(block: Text) -> Metadata:
    """Read what stands between the braces of `@{ … }`; raise `DiagnosticError` if it is no YAML.

    On one line it is flow YAML, on several it is block YAML, as in mermaid.
    """
    quoted = re.compile(r'"[^"]*"')
    text = quoted.sub(lambda s: re.sub(r"\n\s*", "<br/>", s[0]), without_comments(block.text))
    inside = block.span
    if "\n" in text:
        return _read(text, lambda start, end: _place(inside, text, start, end))
    flow = f"{{{text}}}"
    return _read(flow, lambda start, end: _place(inside, text, start - 1, end - 1))


def read_yaml(body: Span) -> Metadata:
    """Read block YAML, such as front matter; raise `DiagnosticError` if it is none."""
    return _read(body.text, lambda start, end: _place(body, body.text, start, end))


def sub_metadata(metadata: Metadata, key: str) -> Metadata:
    """The mapping under `key`, its keys placed as closely as they can be found."""
    values = metadata.values.get(key)
    if not isinstance(values, dict):
        return Metadata()
    entry = metadata.spans[key]
    return Metadata(values, {name: _find(entry, str(name)) for name in values})


def _read(text: str, place: Place) -> Metadata:
    try:
        root = _yaml().compose(text)
        values = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        index = mark.index if mark else 0
        problem = errors.bad_yaml(place(index, index + 1), str(error.problem))
        raise DiagnosticError([problem]) from None
    except (YAMLError, ValueError) as error:
        raise DiagnosticError([errors.bad_yaml(place(0, len(text)), str(error))]) from None
    except RecursionError:
        raise DiagnosticError([errors.deep_yaml(place(0, len(text)))]) from None
    if values is None:
        return Metadata()
    if not isinstance(root, MappingNode) or not isinstance(values, dict):
        raise DiagnosticError([errors.yaml_without_keys(place(0, len(text)))])
    named = {str(key): value for key, value in values.items()}
    return Metadata(named, _spans(root, named, text, place))


def _yaml() -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    return yaml


def _spans(root: MappingNode, values: dict[str, Any], text: str, place: Place) -> dict[str, Span]:
    """The span of each `key: value`."""
    spans = {}
    for name, (key, value) in zip(values, root.value, strict=False):
        start, end = key.start_mark.index, value.end_mark.index
        spans[name] = place(start, start + len(text[start:end].rstrip()))
    return spans


def _place(inside: Span, text: str, start: int, end: int) -> Span:
    """The span of `[start, end)` of `text`; of all of `inside` where that is another text."""
    if text != inside.text:
        return inside
    start = min(max(start, 0), len(text))
    first = inside.start + start
    return Span(inside.source, first, min(max(first + end - start, first + 1), inside.end + 1))


def _find(entry: Span, key: str) -> Span:
    """Where `key` stands inside `entry`, else all of `entry`."""
    found = re.search(rf"(?<![\w.-]){re.escape(key)}(?=[\"']?\s*:)[^\n,}}]*", entry.text)
    if not found:
        return entry
    return Span(entry.source, entry.start + found.start(), entry.start + found.end())
