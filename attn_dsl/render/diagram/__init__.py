"""The author's drawing, as DOT and as Mermaid text."""

from attn_dsl.render.diagram.dot import diagram_dot, fused_dot
from attn_dsl.render.diagram.mermaid import fused_mermaid, mermaid_text

__all__ = ["diagram_dot", "fused_dot", "fused_mermaid", "mermaid_text"]
