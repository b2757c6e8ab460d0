"""Texts as other programs leave them: line ends, damaged letters."""

from __future__ import annotations

from attn_dsl.diagnostics import Source


def repair(text: str) -> str:
    """Undo the damage of UTF-8 that was read as Windows-1252: `âˆš` was `√`."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def plain_lines(text: str) -> str:
    """`text` with `\\n` at the end of each line, as mermaid reads it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_plain_lines(source: Source, start: int, end: int) -> tuple[Source, int, int]:
    """`source` with plain line ends, and where its part `[start, end)` is now."""
    if "\r" not in source.text:
        return source, start, end
    before, part = plain_lines(source.text[:start]), plain_lines(source.text[start:end])
    after = plain_lines(source.text[end:])
    plain = Source(source.name, before + part + after)
    return plain, len(before), len(before) + len(part)
