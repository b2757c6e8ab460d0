"""The page's style sheet: its colours are those of the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from attn_dsl.render import palette
from attn_dsl.render.theme import both, both_rules

VARIABLES = {
    "ground": palette.PLAIN,
    "raised": palette.FRAMES[0],
    "well": palette.FRAMES[1],
    "ink": palette.INK,
    "quiet": palette.QUIET_INK,
    "line": palette.FRAME_LINE,
    "edge": palette.LINE,
    "accent": palette.FUSED_LINE,
    "accent-ground": palette.FUSED,
    "error": palette.REMOVED_LINE,
    "error-ground": palette.REMOVED,
    "query-now": palette.QUERY_NOW,
    "key-now": palette.KEY_NOW,
    "value-now": palette.VALUE_NOW,
    "output-now": palette.OUTPUT_NOW,
    "score-now": palette.SCORE_NOW,
    **{f"code-{name}": color for name, color in palette.CODE.items()},
}


def page_style() -> str:
    """CSS text: the colours by name, those of pictures in either theme, and `page.css`."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    colors = "".join(f"  --{name}: {both(color)};\n" for name, color in VARIABLES.items())
    yield f":root {{\n{colors}  --font: {palette.FONT};\n  --mono: {palette.MONOSPACE};\n}}"
    # In a layer, so that any rule of the page comes before these.
    yield f"@layer theme {{\n{both_rules('svg')}}}"
    yield files(__package__).joinpath("page.css").read_text(encoding="utf-8")
