"""The statements of a flowchart, as the grammar reads them one by one.

Nothing is merged or resolved yet: that is `build`'s work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from attn_dsl.diagnostics import Span
from attn_dsl.syntax.diagram import Text


@dataclass(frozen=True)
class Header:
    """`flowchart LR`; the side is mermaid's name of it."""

    direction: str


class Mention(NamedTuple):
    """A box where it stands in a chain: its id, and whatever is said of it there.

    `data` is what stands between the braces of `@{ … }`.
    """

    id: str
    id_span: Span
    span: Span
    shape: str = ""
    label: Text | None = None
    css_class: str | None = None
    data: Text | None = None


class Link(NamedTuple):
    """The arrow between two groups of boxes. `even` is false if its two ends do not match."""

    span: Span
    stroke: str
    arrow: str
    label: Text | None = None
    id: str | None = None
    even: bool = True


class Chain(NamedTuple):
    """`A & B --> C --> D`: groups of boxes and the links between them, one fewer."""

    groups: tuple[tuple[Mention, ...], ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Open:
    """`subgraph …`; `id` is None where mermaid counts one up."""

    id: str | None
    title: Text
    span: Span


@dataclass(frozen=True)
class Close:
    """`end`."""

    span: Span


@dataclass(frozen=True)
class Direction:
    """`direction LR`, and whatever else stood on that line."""

    side: str
    span: Span


@dataclass(frozen=True)
class Style:
    """`style A fill:#bbf,stroke:#333`."""

    id: str
    css: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class ClassDef:
    """`classDef a,b fill:#bbf`."""

    names: tuple[str, ...]
    css: tuple[str, ...]


@dataclass(frozen=True)
class Assign:
    """`class A,B name`."""

    ids: tuple[str, ...]
    css_class: str


@dataclass(frozen=True)
class LinkStyle:
    """`linkStyle 0,1 stroke:#333`; an edge is its number or "default", and where that stands."""

    edges: tuple[tuple[str, Span], ...]
    css: tuple[str, ...]


@dataclass(frozen=True)
class Ignored:
    """A statement that draws nothing and means nothing: `click`, `accTitle`."""

    span: Span


Statement = Chain | Open | Close | Direction | Style | ClassDef | Assign | LinkStyle | Ignored
