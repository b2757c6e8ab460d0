"""Metadata and front matter as YAML that mermaid reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from attn_dsl.syntax.spelling import KEYWORDS

_PLAIN = re.compile(r"(?!(?:true|false|null)\Z)[A-Za-z]\w*", re.ASCII | re.I)
_RISKY = re.compile(rf"[<%;\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]|{KEYWORDS.pattern}")


def spell_data(data: Mapping[str, Any]) -> str:
    """`@{ … }`: on one line, but for maps in it, which take lines of their own."""
    entries = [(_scalar(key), _flow(value, maps=False)) for key, value in data.items()]
    flat = [f"{key}: {value}" for key, value in entries if value is not None]
    if len(flat) == len(entries):
        return f"@{{ {', '.join(flat)} }}"
    return "\n".join(["@{", *_block(data, "  ", maps=False), "}"])


def spell_front_matter(entries: Mapping[str, Any]) -> list[str]:
    """The lines of front matter."""
    return ["---", *_block(entries, "", maps=True), "---"]


def _block(value: Any, indent: str, *, maps: bool) -> Iterator[str]:
    """A map or a list with a line for each entry."""
    pairs = (
        [(f"{_scalar(key)}:", entry) for key, entry in value.items()]
        if isinstance(value, Mapping)
        else [("-", entry) for entry in value]
    )
    for mark, entry in pairs:
        nested = isinstance(entry, Mapping) and entry and (not maps or not indent)
        inline = None if nested else _flow(entry, maps=maps)
        if inline is not None:
            yield f"{indent}{mark} {inline}"
        else:
            yield f"{indent}{mark}"
            yield from _block(entry, f"{indent}  ", maps=maps)


def _flow(value: Any, *, maps: bool) -> str | None:
    """A value on one line; None if it has maps, and they cannot stand on one."""
    if isinstance(value, Mapping):
        pairs = ((_scalar(key), _flow(entry, maps=maps)) for key, entry in value.items())
        return f"{{{', '.join(f'{key}: {entry}' for key, entry in pairs)}}}" if maps else None
    if isinstance(value, list):
        entries = [_flow(entry, maps=maps) for entry in value]
        known = [entry for entry in entries if entry is not None]
        return f"[{', '.join(known)}]" if len(known) == len(entries) else None
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A text, a number, a truth value, or nothing."""
    if not isinstance(value, str):
        return json.dumps(None if value != value or value in (inf, -inf) else value)
    if _PLAIN.fullmatch(value) and not KEYWORDS.fullmatch(value):
        return value
    inside = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', "\\x22")
    return f'"{_RISKY.sub(_escaped, inside)}"'


def _escaped(risk: re.Match[str]) -> str:
    return f"\\u{ord(risk[0][0]):04x}{risk[0][1:]}"
