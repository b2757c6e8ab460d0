"""The catalog as text: one table of everything, or all that is known of one entry."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from attn_dsl.catalog import Entry

LEFT, RIGHT = 32, 68
"""The columns of the table, in characters."""


def table(found: Sequence[Entry]) -> str:
    """All entries in two columns: the name and what it takes; the meaning and the words."""
    lines: list[str] = []
    for kind in dict.fromkeys(entry.kind for entry in found):
        lines += ["", f"{kind}s"] if lines else [f"{kind}s"]
        for entry in (entry for entry in found if entry.kind == kind):
            lines += ["", *_rows(entry)]
    return "\n".join(lines) + "\n"


def _rows(entry: Entry) -> Iterator[str]:
    takes = textwrap.wrap(", ".join((*entry.operands, *entry.attributes)), LEFT - 6)
    left = [f"  {entry.name}", *(f"    {line}" for line in takes)]
    right = textwrap.wrap(entry.meaning, RIGHT) + _wrapped(entry.words, RIGHT)
    for name, text in zip_longest(left, right, fillvalue=""):
        yield f"{name:<{LEFT}}{text}".rstrip()


def details(entry: Entry) -> str:
    """One entry, each thing that is known of it under its title."""
    rows = {
        "words": _wrapped(entry.words, LEFT + RIGHT - 14),
        "operands": [", ".join(entry.operands)],
        "parameters": [", ".join(entry.parameters)],
        "attributes": [", ".join(entry.attributes)],
        "numpy": entry.numpy.splitlines(),
        "file": [entry.file],
        "example": [entry.example],
    }
    meaning = textwrap.wrap(entry.meaning, LEFT + RIGHT - 2)
    lines = [f"{entry.name}: {entry.kind}", *(f"  {line}" for line in meaning), ""]
    for title, text in rows.items():
        for index, line in enumerate(filter(None, text)):
            lines.append(f"  {'' if index else title:<12}{line}")
    return "\n".join(lines) + "\n"


def _wrapped(words: Sequence[str], width: int) -> list[str]:
    """The words on lines of at most `width`; no line ends within one of them."""
    whole = ", ".join(word.replace(" ", "\0") for word in words)
    lines = textwrap.wrap(whole, width, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]
