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
from attn_dsl.syntax.from_json import from_json
from attn_dsl.syntax.json import refusal, to_json
from attn_dsl.syntax.labels import is_cut
from attn_dsl.syntax.layout import format_text
from attn_dsl.syntax.metadata import sub_metadata
from attn_dsl.syntax.spelling import BRACKETS, spell_arrow, spell_label

__all__ = [
    "BRACKETS",
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
    "from_json",
    "is_cut",
    "parse",
    "read_blocks",
    "read_document",
    "refusal",
    "repair",
    "spell_arrow",
    "spell_label",
    "sub_metadata",
    "to_json",
]
