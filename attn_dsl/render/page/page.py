"""What a page shows, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attn_dsl.render.frames import Frame


@dataclass(frozen=True)
class Panel:
    """A picture: SVG text in the light colours, whose `data-link` says what its parts belong to.

    `id` is one word. With `frames` a slider steps through them; `data-at` in the picture says
    which parts are worked on. `nouns` are what a part and what parts are called. `note` stands
    below the picture, or in its place where `svg` is empty.
    """

    id: str
    title: str
    svg: str
    frames: tuple[Frame, ...] = ()
    note: str = ""
    nouns: tuple[str, str] = ("part", "parts")


@dataclass(frozen=True)
class Listing:
    """A text with numbered lines, coloured as `language` by pygments; `text` is as it stands.

    `first` is the number of its first line. `links` are what lines belong to, by their number.
    `note` stands in the place of a text that there is not.
    """

    title: str
    language: str
    text: str
    links: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""
    first: int = 1


@dataclass(frozen=True)
class Page:
    """All that a page shows: its pictures, then the listings, of which one is seen at a time."""

    title: str
    description: str
    panels: tuple[Panel, ...]
    sources: tuple[Listing, ...] = ()
