"""Lines of source text with indentation, which know what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

_FIRST = 0xF0000
_MARKS = re.compile("[\U000f0000-\U000ffffd]")
"""Marks are characters for private use, which no source text has: they stand at the ends of
lines while these are put together, and go with them wherever they are put."""


def mark(number: int) -> str:
    """The mark with this number, from 0 to 65,000."""
    return chr(_FIRST + number)


def unmarked(text: str) -> tuple[str, Mapping[int, tuple[int, ...]]]:
    """The text without marks, and the numbers of those that its lines had, from line 1 on."""
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        if marks := _MARKS.findall(line):
            found[number] = tuple(sorted({ord(char) - _FIRST for char in marks}))
    return _MARKS.sub("", text), found


class TextBuilder:
    """Collects lines. `block` opens an indented block, as C's braces or Python's colon."""

    def __init__(self, indent: str = "    ") -> None:
        self._lines: list[str] = []
        self._indent = indent
        self._depth = 0
        self._marks = ""

    def line(self, text: str = "") -> None:
        """Add one line at the current depth; several, if `text` holds line ends."""
        for part in text.split("\n"):
            line = (self._indent * self._depth + part).rstrip()
            self._lines.append(line + self._marks if line else line)

    def lines(self, texts: Iterable[str]) -> None:
        """Add lines."""
        for text in texts:
            self.line(text)

    @contextmanager
    def block(self, head: str, end: str = "") -> Iterator[None]:
        """`head`, then what is added inside one step deeper, then `end` unless it is empty."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1
        if end:
            self.line(end)

    @contextmanager
    def about(self, *marks: str) -> Iterator[None]:
        """What is added inside is about what `marks` stand for: see `unmarked`."""
        before = self._marks
        self._marks += "".join(marks)
        yield
        self._marks = before

    @property
    def text(self) -> str:
        """All lines, the last one ended too, with their marks."""
        return "\n".join(self._lines) + "\n"
