"""Pictures of a drawing.

In: a `Diagram`, what its boxes were found to mean, and for the fused view the graph after the
passes. Out: DOT or Mermaid text, and files: SVG, PNG and PDF laid out by Graphviz.
"""

from attn_dsl.render.diagram import collapsed, diagram_dot, mermaid_text
from attn_dsl.render.labels import untyped
from attn_dsl.render.links import drawn_links
from attn_dsl.render.origins import edge_types, node_operations, node_types
from attn_dsl.render.output import FORMATS, Picture, draw, encode, format_of, write
from attn_dsl.render.places import edge_names
from attn_dsl.render.theme import Theme

__all__ = [
    "FORMATS",
    "Picture",
    "Theme",
    "collapsed",
    "diagram_dot",
    "draw",
    "drawn_links",
    "edge_names",
    "edge_types",
    "encode",
    "format_of",
    "mermaid_text",
    "node_operations",
    "node_types",
    "untyped",
    "write",
]
