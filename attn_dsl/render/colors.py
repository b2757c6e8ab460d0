"""CSS colours as Graphviz writes them, and whether dark or light text is read on them."""

from __future__ import annotations

import re
from functools import cache

from attn_dsl.render.css_names import NAMES

TRANSPARENT = "transparent"
_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")


def read_color(text: str) -> str | None:
    """`#bbf` or `navy` as `#rrggbb` or `#rrggbbaa`; None for what is no colour."""
    text = text.strip().lower()
    if text in (TRANSPARENT, "none"):
        return TRANSPARENT
    if _HEX.fullmatch(text):
        return text if len(text) > 5 else "#" + "".join(2 * digit for digit in text[1:])
    return _named().get(text)


def is_dark(color: str) -> bool:
    """Whether light text is the more readable one on `color`, over white where it is clear."""
    if color == TRANSPARENT:
        return False
    return luminance(color) < 0.18  # where black and white text have the same contrast by WCAG


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """How light `#rrggbb` or `#rrggbbaa` is over white, from 0 to 1 (WCAG 2.2)."""
    red, green, blue, *rest = bytes.fromhex(color[1:])
    alpha = rest[0] / 255 if rest else 1.0
    shown = (alpha * part / 255 + 1 - alpha for part in (red, green, blue))
    linear = [_linear(part) for part in shown]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


@cache
def _named() -> dict[str, str]:
    words = NAMES.split()
    return {name: f"#{value}" for name, value in zip(words[::2], words[1::2], strict=True)}
