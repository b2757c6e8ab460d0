"""The views of a diagram: which picture is made of what.

A view is a function from a block of text, its settings and what else was asked for to a
`Picture`. Each is told only what it asks for: see `VIEWS`.
"""

from attn_dsl.views.asked import Asked
from attn_dsl.views.diagram import diagram_picture
from attn_dsl.views.graph import fused_picture, graph_picture, network_picture
from attn_dsl.views.table import VIEWS, View, picture_of, write_picture

__all__ = [
    "VIEWS",
    "Asked",
    "View",
    "diagram_picture",
    "fused_picture",
    "graph_picture",
    "network_picture",
    "picture_of",
    "write_picture",
]
