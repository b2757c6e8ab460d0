"""The look: the colours of the classic figure, type, lines and spacing.

Everything is drawn in the light colours; `theme.py` puts the dark ones in their place.
"""

from __future__ import annotations

from collections.abc import Mapping

FILLS: Mapping[str, str] = {
    "matmul": "#dcd5f3",  # lavender
    "scale": "#fcf0b5",  # yellow
    "mask": "#fad4de",  # pink
    "softmax": "#cfecc9",  # light green
    "linear": "#dfe3f3",
    "layer_norm": "#f1f4c4",
    "add": "#f1f4c4",
    "embedding": "#fde3df",
    "positions": "#fde3df",
    "module": "#ffe4c2",  # light orange
    "input": "#ffffff",
}
"""What an operation is filled with, by its mnemonic; `OTHER` for those not named here."""

OTHER = "#e6ebf0"
PLAIN = "#ffffff"
INK = "#20242e"
LIGHT_INK = "#ffffff"
QUIET_INK = "#555d6b"
LINE = "#3d4350"
FRAMES = ("#f8f9fb", "#f0f2f6")
"""The grounds of subgraphs, in turn from the outside in."""

FRAME_LINE = "#b9c0cc"
FUSED = "#edf3fc"
FUSED_LINE = "#3d619f"
ADDED, ADDED_LINE = "#e3f5e1", "#1f6f2b"
REMOVED, REMOVED_LINE = "#fbe6e4", "#a32a20"

QUERY, QUERY_NOW = "#f8cfdf", "#f3a25f"
KEY, KEY_NOW = "#d3ebcb", "#86c272"
VALUE, VALUE_NOW = "#fbf0b9", "#edcb45"
OUTPUT, OUTPUT_NOW = "#e0d5f5", "#b196e4"
SCORE, SCORE_NOW = "#dbe8f8", "#8db8ec"
HEAT = "#4f8fdb"
HIDDEN = "#c9ced7"
GRID = "#9aa3b2"
HATCH = "#8d96a6"
"""The matrices of a kernel, each with the colour of the row or column that is worked on; the
largest number of a heat map; scores that the mask hides; lines between cells, and across tiles
that are skipped."""

DARK: Mapping[str, str] = {
    "#ffffff": "#14171d",
    INK: "#e9ecf2",
    QUIET_INK: "#bac3d1",
    LINE: "#aab3c2",
    "#dcd5f3": "#483d75",
    "#fcf0b5": "#50450f",
    "#fad4de": "#612a3e",
    "#cfecc9": "#2b5230",
    "#dfe3f3": "#353d5c",
    "#f1f4c4": "#474a14",
    "#fde3df": "#5c322b",
    "#ffe4c2": "#5e3d12",
    OTHER: "#343d49",
    FRAMES[0]: "#1a1e26",
    FRAMES[1]: "#222731",
    FRAME_LINE: "#566072",
    FUSED: "#172741",
    FUSED_LINE: "#8fb3ee",
    ADDED: "#16351b",
    ADDED_LINE: "#7fd18b",
    REMOVED: "#43191a",
    REMOVED_LINE: "#f19a92",
    QUERY: "#5f2f43",
    QUERY_NOW: "#8a4a12",
    KEY: "#294a26",
    KEY_NOW: "#35682a",
    VALUE: "#4c4312",
    VALUE_NOW: "#6d5a08",
    OUTPUT: "#41345f",
    OUTPUT_NOW: "#6b4fa6",
    SCORE: "#22364f",
    SCORE_NOW: "#2f639f",
    HEAT: "#2a66a8",
    HIDDEN: "#4a515d",
    GRID: "#5d6675",
    HATCH: "#78818f",
}
"""The dark colour for each light one."""

FONT = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
MONOSPACE = "Menlo,Consolas,Liberation Mono,DejaVu Sans Mono,monospace"

GRAPH = {
    "fontname": FONT,
    "fontsize": "15",
    "fontcolor": INK,
    "bgcolor": "#ffffff",
    "pad": "0.15",
    "nodesep": "0.3",
    "ranksep": "0.36",
    "compound": "true",
    "remincross": "false",
    "labelloc": "t",
}
NODE = {
    "fontname": FONT,
    "fontsize": "12",
    "fontcolor": INK,
    "color": LINE,
    "fillcolor": PLAIN,
    "penwidth": "0.9",
    "shape": "box",
    "style": "filled",
    "width": "0.95",
    "height": "0.4",
    "margin": "0.15,0.05",
}
EDGE = {
    "fontname": FONT,
    "fontsize": "10",
    "fontcolor": QUIET_INK,
    "color": LINE,
    "penwidth": "0.9",
    "arrowsize": "0.7",
}
SUBGRAPH = {
    "style": "filled,rounded",
    "color": FRAME_LINE,
    "penwidth": "0.8",
    "fontsize": "12",
    "fontcolor": QUIET_INK,
    "margin": "12",
    "labeljust": "l",
}
FUSED_BOX = {
    **SUBGRAPH,
    "fillcolor": FUSED,
    "color": FUSED_LINE,
    "fontcolor": FUSED_LINE,
    "penwidth": "1.4",
    "margin": "14",
}
FORMULA = {"shape": "plain", "style": "", "margin": "0"}
"""What a fused operation computes, beside the operations that it absorbed."""

PILL = {
    "fontsize": "10",
    "style": "filled,rounded",
    "width": "0.3",
    "height": "0.22",
    "margin": "0.09,0.03",
    "penwidth": "0.7",
}
"""An operation that is drawn on an edge."""


def fill_of(operation: str | None) -> str:
    """The classic colour of an operation; that of a plain box for none."""
    return PLAIN if operation is None else FILLS.get(operation, OTHER)
