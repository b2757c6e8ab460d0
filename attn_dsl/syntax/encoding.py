"""Damaged text."""

from __future__ import annotations


def repair(text: str) -> str:
    """Undo the damage of UTF-8 that was read as Windows-1252: `âˆš` was `√`."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
