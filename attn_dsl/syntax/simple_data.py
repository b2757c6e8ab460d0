"""The metadata that nearly everyone writes, such as `op: softmax, axis: -1`.

Words, whole numbers, quoted texts and lists of these need no library for YAML, which takes a
tenth of a second to load and half a millisecond for each block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Pair = tuple[str, Any, int, int]
"""A key, its value, and where the two begin and end."""

_NOT_NAMES = r"(?!(?i:true|false|null)\b)"
_SCALAR = (
    rf"(?:{_NOT_NAMES}[A-Za-z]\w*(?:[ ./-]\w+)*|-?(?:0|[1-9]\d{{0,15}})(?![\w.:-])"
    r'|"[ !#-\[\]-~\u00a1-\u1fff\u2030-\ud7ff]*")'
)
_PAIR = re.compile(
    rf" *(?P<pair>{_NOT_NAMES}(?P<key>[A-Za-z]\w*): +"
    rf"(?P<value>{_SCALAR}|\[ *(?:{_SCALAR}(?: *, *{_SCALAR})*)? *\])) *(?P<end>,|\Z)",
    re.ASCII,
)
_ENTRY = re.compile(_SCALAR, re.ASCII)


def read_simple(text: str) -> list[Pair] | None:
    """What stands between the braces of `@{ … }`; None where that takes a reader of YAML."""
    pairs = list(_lines(text) if "\n" in text else _pairs(text, 0))
    keys = {pair[0] for pair in pairs if pair}
    known = [pair for pair in pairs if pair]
    return known if known and len(keys) == len(pairs) else None


def _lines(text: str) -> Iterator[Pair | None]:
    """A pair on each line, all of them indented alike; None where there is anything else."""
    position, indents = 0, set()
    for line in text.split("\n"):
        if line.strip(" "):
            indents.add(len(line) - len(line.lstrip(" ")))
            alone = list(_pairs(line, position))
            yield alone[0] if len(alone) == len(indents) == 1 else None
        position += len(line) + 1


def _pairs(text: str, offset: int) -> Iterator[Pair | None]:
    """Pairs between commas, then None if there is anything else; `text` begins at `offset`."""
    position, end = 0, ","
    while end:
        found = _PAIR.match(text, position)
        if found is None:
            yield None
            return
        start, stop = found.span("pair")
        yield found["key"], _value(found["value"]), offset + start, offset + stop
        position, end = found.end(), found["end"]


def _value(text: str) -> Any:
    if text[0] == "[":
        return [_value(entry) for entry in _ENTRY.findall(text)]
    if text[0] == '"':
        return text[1:-1]
    return text if text[0].isalpha() else int(text)
