"""Numbers as a picture shows them: three significant digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

NDArray = np.ndarray[Any, Any]
MINUS = "\N{MINUS SIGN}"


def number(x: float) -> str:
    """`0.415`, `−1.2`, `1235`, `1.2e−5`, `−∞`."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else f"{MINUS}∞"
    size = abs(x)
    if size == 0:
        return "0"
    if 1e-3 <= size < 999.5:
        return f"{x:.3g}".replace("-", MINUS)
    if 999.5 <= size < 1e5:
        return f"{x:.0f}".replace("-", MINUS)
    digits, _, power = f"{x:.1e}".partition("e")
    return f"{digits}e{int(power)}".replace("-", MINUS)


def brief(x: float) -> str:
    """With two decimals, for where there is little room."""
    if not math.isfinite(x) or abs(x) >= 99.5:
        return number(x)
    return f"{x:.2f}".replace("-", MINUS)


def components(vector: NDArray, most: int = 4) -> tuple[str, ...]:
    """The first `most` numbers, and `…` where there are several more."""
    most += len(vector) == most + 1
    shown = tuple(number(float(x)) for x in vector[:most])
    return (*shown, "…") if len(vector) > most else shown


def written(vector: NDArray, most: int = 4) -> str:
    """`[0.1, −0.2, 3, 0.5, …]`."""
    return f"[{', '.join(components(vector, most))}]"


def subscript(place: int) -> str:
    """A whole number as an index below the line."""
    return str(place).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
