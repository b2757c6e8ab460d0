"""The look: the colours of the classic figure, type, lines and spacing."""

from __future__ import annotations

from collections.abc import Mapping

FILLS: Mapping[str, str] = {
    "matmul": "#dcd5f3",  # lavender
    "scale": "#fcf0b5",  # yellow
    "mask": "#fad4de",  # pink
    "softmax": "#cfecc9",  # light green
    "input": "#ffffff",
}
"""What an operation is filled with, by its mnemonic; `OTHER` for those not named here."""

OTHER = "#e6ebf0"
PLAIN = "#ffffff"
INK = "#20242e"
LIGHT_INK = "#ffffff"
QUIET_INK = "#5f6776"
LINE = "#3d4350"
FRAMES = ("#f8f9fb", "#f0f2f6")
"""The grounds of subgraphs, in turn from the outside in."""

FRAME_LINE = "#b9c0cc"
FUSED = "#edf3fc"
FUSED_LINE = "#4f74b3"

FONT = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
MONOSPACE = "Menlo,Consolas,Liberation Mono,DejaVu Sans Mono,monospace"

GRAPH = {
    "fontname": FONT,
    "fontsize": "15",
    "fontcolor": INK,
    "bgcolor": "white",
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
