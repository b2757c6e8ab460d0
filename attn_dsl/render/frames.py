"""Steps of a loop, as a page goes through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Frame:
    """A step of a loop: what a page says of it, the keys of what is worked on, numbers by name."""

    label: str
    at: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
