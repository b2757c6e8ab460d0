"""What a label says, in lines of plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from attn_dsl.ir import parse_type
from attn_dsl.syntax import Text

_BREAK = re.compile(r"\s*<br\s*/?>\s*|\s*\n\s*", re.IGNORECASE)
_TAG = re.compile(r"</?(?:b|strong|i|em|u|s|small|big|span|code)\s*/?>", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|\*|__|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_MARKED_INDEX = re.compile(r"<(sub|sup)>(\w+)</\1>", re.IGNORECASE)
_INDEX = re.compile(r"(?<![^\W_])([A-Za-zα-ωΑ-Ω])([_^])\{?([A-Za-z0-9]+)\}?(?!\w)")
_SUB = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_SUP = str.maketrans("0123456789Tn", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀⁿ")


@dataclass(frozen=True)
class Label:
    """The lines of a label, and the type that is written small below them."""

    lines: tuple[str, ...]
    type: str = ""


def read_label(text: Text, type_: str = "") -> Label:
    """The label `text`; a type in it, as in `NAME : TYPE`, stands below the name."""
    shown = text.text
    if is_markdown(text):
        shown = _EMPHASIS.sub(r"\2", shown)
    name, _, rest = shown.partition(":")
    if name.strip() and _is_type(rest):
        return Label(to_lines(name.strip()), type_ or rest.strip())
    return Label(to_lines(shown), type_)


def is_markdown(text: Text) -> bool:
    """Whether the label was written in backticks."""
    return text.span.source.text[: text.span.start].endswith("`")


def to_lines(text: str) -> tuple[str, ...]:
    """Lines at each `<br>`, without inline tags, with small figures for indices: `dₖ`."""
    lines = _BREAK.split(_TAG.sub("", _repair(text)).strip())
    return tuple(_indices(_printable(line)) for line in lines)


def _is_type(text: str) -> bool:
    try:
        parse_type(text)
    except ValueError:
        return False
    return True


def _repair(text: str) -> str:
    """Undo the damage of UTF-8 that was read as Windows-1252: `âˆš` was `√`."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _printable(text: str) -> str:
    """Control characters would make XML that nobody reads."""
    return "".join(char if char.isprintable() else " " for char in text)


def _indices(text: str) -> str:
    text = _MARKED_INDEX.sub(lambda m: _small(m[0], "_^"[m[1].lower() == "sup"], m[2]), text)
    return _INDEX.sub(lambda m: m[1] + _small(m[0][1:], m[2], m[3]), text)


def _small(otherwise: str, mark: str, index: str) -> str:
    """`index` as Unicode's small characters, if there is one for each of its own."""
    small = index.translate(_SUB if mark == "_" else _SUP)
    return small if all(a != b for a, b in zip(small, index, strict=True)) else otherwise
