"""When to stop: past so many errors the first ones are what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from attn_dsl.diagnostics import Diagnostic, Severity

MAX_ERRORS = 200
"""How many errors of a drawing are told."""

Item = TypeVar("Item")


def until_enough(items: Iterable[Item], found: Sequence[Diagnostic]) -> Iterator[Item]:
    """`items`, for as long as fewer than `MAX_ERRORS` errors are in `found`, which may grow."""
    errors = seen = 0
    for item in items:
        if len(found) > seen:
            errors += sum(d.severity is Severity.ERROR for d in found[seen:])
            seen = len(found)
            if errors >= MAX_ERRORS:
                return
        yield item


def are_enough(found: Iterable[Diagnostic]) -> bool:
    """Whether `found` has as many errors as anyone reads."""
    return sum(d.severity is Severity.ERROR for d in found) >= MAX_ERRORS
