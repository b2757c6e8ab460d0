"""What a picture of numbers is of: the arrays of a file, or seeded random ones."""

from __future__ import annotations

import unicodedata

from attn_dsl.ir import Graph
from attn_dsl.sample import NDArray, default_sizes, sample_inputs
from attn_dsl.semantics import Settings
from attn_dsl.signature import arguments, check_dtype
from attn_dsl.tensors import read_tensors
from attn_dsl.views.asked import Asked, Tokens

TOKENS = ("tokens", "key_tokens")
"""Arrays of texts: what queries and keys are called, or keys alone."""


def read_given(graph: Graph, settings: Settings, asked: Asked) -> tuple[dict[str, NDArray], Tokens]:
    """The arrays of all inputs, and the tokens; those of the command go over those of the file.

    Inputs are drawn with the seed if the file has none. Raises ValueError for a file that cannot
    be read, TypeError for an array of a wrong dtype.
    """
    found = read_tensors(asked.inputs) if asked.inputs else {}
    arrays = {unicodedata.normalize("NFKC", name): array for name, array in found.items()}
    named = tuple(_texts(arrays.pop(name)) for name in TOKENS if _has_texts(arrays, name))
    if not arrays:
        arrays = sample_inputs(graph, default_sizes(graph, settings), asked.seed or 0)
    for argument in arguments(graph):
        if argument.name in arrays:
            check_dtype(argument, arrays[argument.name])
    return arrays, asked.tokens or named


def _has_texts(arrays: dict[str, NDArray], name: str) -> bool:
    return name in arrays and arrays[name].dtype.kind in "US"


def _texts(array: NDArray) -> tuple[str, ...]:
    """Bytes are read as UTF-8."""
    return tuple(
        text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        for text in array.ravel().tolist()
    )
