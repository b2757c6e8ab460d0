"""Steps of a loop, through which a page goes with a slider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """A step of a loop: what a page says of it, the keys of what is worked on, and numbers by name.

    An element with the `data-at` keys "q3 k5" is worked on where both are in `at`.
    """

    label: str
    at: tuple[str, ...]
    values: Mapping[str, str]
