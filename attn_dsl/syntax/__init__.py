"""Text to diagram.

In: the name of a file, or a source text in Mermaid's flowchart syntax. Out: a `Diagram`, what was
drawn, with a place in the text for each part of it; or a `DiagnosticError` with all that is wrong.
"""

from attn_dsl.syntax.diagram import Diagram, Edge, Metadata, Node, Subgraph, Text
from attn_dsl.syntax.documents import (
    MAX_SIZE,
    Block,
    Fenced,
    file_of,
    find_blocks,
    read_blocks,
    read_document,
)
from attn_dsl.syntax.encoding import repair
from attn_dsl.syntax.flowchart import parse
from attn_dsl.syntax.json import refusal, to_json
from attn_dsl.syntax.layout import format_text
from attn_dsl.syntax.metadata import sub_metadata

__all__ = [
    "MAX_SIZE",
    "Block",
    "Diagram",
    "Edge",
    "Fenced",
    "Metadata",
    "Node",
    "Subgraph",
    "Text",
    "file_of",
    "find_blocks",
    "format_text",
    "parse",
    "read_blocks",
    "read_document",
    "refusal",
    "repair",
    "sub_metadata",
    "to_json",
]
