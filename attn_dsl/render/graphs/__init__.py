"""The IR as a picture: before the passes, after them, and what a pass changed."""

from attn_dsl.render.graphs.compare import compared
from attn_dsl.render.graphs.dot import network_dot
from attn_dsl.render.graphs.mermaid import network_mermaid
from attn_dsl.render.graphs.network import Arrow, Box, Change, Frame, Network
from attn_dsl.render.graphs.statements import network_of

__all__ = [
    "Arrow",
    "Box",
    "Change",
    "Frame",
    "Network",
    "compared",
    "network_dot",
    "network_mermaid",
    "network_of",
]
