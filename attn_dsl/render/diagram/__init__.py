"""The author's drawing, as DOT and as Mermaid text."""

from attn_dsl.render.diagram.collapse import collapsed
from attn_dsl.render.diagram.dot import diagram_dot
from attn_dsl.render.diagram.mermaid import mermaid_text

__all__ = ["collapsed", "diagram_dot", "mermaid_text"]
