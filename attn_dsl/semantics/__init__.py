"""The meaning of a drawing.

In: a `Diagram`, and the default element type. Out: an `Elaborated`: the typed `Graph` that it
draws, in the terms of the IR, with every operation's place in the drawing, and what a reader
should be told. All errors of the drawing are found in one run.
"""

from attn_dsl.semantics.drawing import drawn_operations
from attn_dsl.semantics.elaborate import Elaborated, elaborate
from attn_dsl.semantics.modules import module_files
from attn_dsl.semantics.settings import Settings, read_settings
from attn_dsl.semantics.vocabulary import find_operation, nearest_words

__all__ = [
    "Elaborated",
    "Settings",
    "drawn_operations",
    "elaborate",
    "find_operation",
    "module_files",
    "nearest_words",
    "read_settings",
]
