"""A diagram without its places in the text: what two spellings of one drawing have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

PLACES = frozenset({"source", "span", "spans", "warnings"})


def unplaced(value: Any) -> Any:
    """`value` as tuples that compare equal for equal drawings, the order of mappings included."""
    if is_dataclass(value):
        kept = (field.name for field in fields(value) if field.name not in PLACES)
        return tuple(unplaced(getattr(value, name)) for name in kept)
    if isinstance(value, Mapping):
        return tuple((key, unplaced(entry)) for key, entry in value.items())
    if isinstance(value, tuple | list):
        return tuple(unplaced(entry) for entry in value)
    return (type(value).__name__, repr(value))  # `1` is not `true`, and NaN is NaN
