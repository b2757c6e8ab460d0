"""Places in a source text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True)
class Source:
    """A text and the name that errors give it (a path, or `<text>`)."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset at which each line begins."""
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line_of(self, offset: int) -> int:
        """The 1-based line that holds `offset`."""
        return bisect_right(self.line_starts, offset)

    def line_text(self, line: int) -> str:
        """The text of the 1-based `line`, without its line ending."""
        start = self.line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")

    @property
    def whole(self) -> Span:
        """The span of the whole text."""
        return Span(self, 0, len(self.text))


class Span(NamedTuple):
    """The characters `[start, end)` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The 1-based line on which the span starts."""
        return self.source.line_of(self.start)

    @property
    def column(self) -> int:
        """The 1-based column at which the span starts."""
        return self.start - self.source.line_starts[self.line - 1] + 1

    @property
    def text(self) -> str:
        """The characters of the span."""
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals link it."""
        return f"{self.source.name}:{self.line}:{self.column}"

    def __repr__(self) -> str:
        return f"Span({self.place}, {self.text!r})"

    def within(self, other: Span) -> bool:
        """Whether all of it is part of `other`, a span of the same source."""
        return other.start <= self.start and self.end <= other.end
