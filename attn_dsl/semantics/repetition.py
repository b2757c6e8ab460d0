"""How often a subgraph is repeated, as its title or its metadata says it."""

from __future__ import annotations

import re

from attn_dsl.syntax import Subgraph

_TITLE = re.compile(
    r"\b[Rr]epeated\s+(?P<a>\w+)\s+times\b"
    r"|(?<![\w×])(?<!\d )[×x]\s*(?P<b>\d+|[A-Z])\s*\)?\s*$"
    r"|(?<![\w×])(?P<c>\d+|[A-Z])\s*[×x]\s*\)?\s*$"
)
"""`Block (repeated N times)`, `Block × 6`, `Block (6x)`; `3x3` and `3 × 3` are no counts."""


def said_count(subgraph: Subgraph) -> str | None:
    """The number or the letter, as it is written; None for a subgraph that is not repeated."""
    count = subgraph.data.values.get("repeat")
    if count is None and (match := _TITLE.search(subgraph.title.text)):
        count = next(filter(None, match.groups()))
    return None if count is None else str(count)
