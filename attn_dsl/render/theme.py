"""Light and dark: what is drawn in the light colours, in the colours of a theme."""

from __future__ import annotations

import re
from enum import Enum

from attn_dsl.render.palette import DARK

AUTHORED = "authored"
"""The class of what has colours of the author's own, which are the same in every theme."""

_IN_DOT = re.compile(r'(?i)(?<=color=")#[0-9a-f]{6}(?=")')


class Theme(Enum):
    """The colours of a picture; `AUTO` follows the reader's setting, where the format can."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


def themed_dot(dot: str, theme: Theme) -> str:
    """DOT text, one statement a line, in the colours of `theme`; light for `AUTO`."""
    if theme is not Theme.DARK:
        return dot
    lines = dot.split("\n")
    return "\n".join(line if f"class={AUTHORED}" in line else _dark(line) for line in lines)


def _dark(line: str) -> str:
    return _IN_DOT.sub(lambda color: DARK.get(color[0], color[0]), line)


def theme_style(theme: Theme) -> str:
    """The style sheet that brings a picture into `theme`; empty for `LIGHT`."""
    if theme is Theme.LIGHT:
        return ""
    rules = dark_rules("svg")
    return rules if theme is Theme.DARK else f"@media (prefers-color-scheme: dark) {{\n{rules}}}\n"


def dark_rules(scope: str) -> str:
    """CSS that puts the dark colours in the place of the light ones, in all that is in `scope`."""
    return "".join(
        f'{scope} :not(.{AUTHORED}) > [{what}="{light}"] {{ {what}: {dark} }}\n'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
