"""Lines of source text with indentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class TextBuilder:
    """Collects lines. `block` opens an indented block, as C's braces or Python's colon."""

    def __init__(self, indent: str = "    ") -> None:
        self._lines: list[str] = []
        self._indent = indent
        self._depth = 0

    def line(self, text: str = "") -> None:
        """Add one line at the current depth; several, if `text` holds line ends."""
        for part in text.split("\n"):
            self._lines.append((self._indent * self._depth + part).rstrip())

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

    @property
    def text(self) -> str:
        """All lines, the last one ended too."""
        return "\n".join(self._lines) + "\n"
