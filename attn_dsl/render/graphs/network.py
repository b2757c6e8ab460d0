"""What a picture of a graph shows: boxes with what they compute, frames around some, arrows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Change(Enum):
    """What a pass did to a statement, and the sign for it."""

    NONE = ""
    ADDED = "+"
    REMOVED = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Box:
    """An operation or an input: its words, and in small print its value and what it costs.

    `kind` is the mnemonic of the operation, which decides the colour.
    """

    id: str
    kind: str
    words: tuple[str, ...]
    details: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    change: Change = Change.NONE


@dataclass(frozen=True)
class Frame:
    """A fused operation: a box around what it absorbed, its formula and cost beside them."""

    id: str
    title: str
    notes: tuple[str, ...]
    boxes: tuple[Box, ...]
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A value on its way from one box to another."""

    source: str
    target: str
    label: str = ""
    change: Change = Change.NONE


@dataclass(frozen=True)
class Network:
    """All of it; `caption` says at which sizes costs are counted."""

    title: str
    direction: str
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    arrows: tuple[Arrow, ...]
    caption: str = ""

    @property
    def all_boxes(self) -> tuple[Box, ...]:
        """Those outside of frames, then those inside."""
        return (*self.boxes, *(box for frame in self.frames for box in frame.boxes))
