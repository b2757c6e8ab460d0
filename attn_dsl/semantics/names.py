"""Names of values: identifiers of Python and C, made from the ids of the drawing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence

from attn_dsl.expr import FUNCTIONS, INDICES

RESERVED = frozenset((*INDICES, "s", "inf", "and", "or", "not", *FUNCTIONS))
"""What means something else in an expression."""


def identifier(text: str) -> str:
    """`text` as an ASCII identifier: `Kᵀ` is KT, `λ` is lamda, `q-proj` is q_proj."""
    plain = unicodedata.normalize("NFKC", text)
    name = re.sub(r"\W", "_", "".join(_ascii(char) for char in plain))
    return f"n{name}" if not name or name[0].isdigit() else name


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    words = unicodedata.name(char, "").lower().split()
    return re.sub(r"\W", "_", words[-1]) if words else "_"


def unique(wish: str, taken: Sequence[Container[str]], numbers: dict[str, int]) -> str:
    """`wish`, or with a number after it if that is taken or reserved.

    `numbers` remembers the last one of each wish, so that none is tried twice.
    """
    name, count = wish, numbers.get(wish, 1)
    if count > 1:
        name = f"{wish}_{count}"
    while name in RESERVED or any(name in names for names in taken):
        count += 1
        name = f"{wish}_{count}"
    numbers[wish] = count
    return name
