"""What a picture of numbers is of: the arrays of a file, or seeded random ones."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from attn_dsl.ir import Graph
from attn_dsl.sample import NDArray, default_sizes, sample_inputs
from attn_dsl.semantics import Settings
from attn_dsl.signature import arguments, check_dtype
from attn_dsl.tensors import read_tensors

Tokens = tuple[tuple[str, ...], ...]
TOKENS = ("tokens", "key_tokens")
"""Arrays of texts: what queries and keys are called, or keys alone."""


@dataclass(frozen=True)
class Given:
    """A file of arrays by input name, or the seed of random ones; and what of them is shown.

    `of` is the name of an attention, `head` its batch and head, all heads for None; `tokens` are
    lists of what queries and keys are called.
    """

    inputs: str | None = None
    seed: int = 0
    of: str = ""
    head: tuple[int, int | None] | None = None
    tokens: Tokens = ()


def read_given(graph: Graph, settings: Settings, given: Given) -> tuple[dict[str, NDArray], Tokens]:
    """The arrays of all inputs, and the tokens; those of the command go over those of the file.

    Inputs are drawn with the seed if the file has none. Raises ValueError for a file that cannot
    be read, TypeError for an array of a wrong dtype.
    """
    found = read_tensors(given.inputs) if given.inputs else {}
    arrays = {unicodedata.normalize("NFKC", name): array for name, array in found.items()}
    named = tuple(_texts(arrays.pop(name)) for name in TOKENS if _has_texts(arrays, name))
    if not arrays:
        arrays = sample_inputs(graph, default_sizes(graph, settings), given.seed)
    for argument in arguments(graph):
        if argument.name in arrays:
            check_dtype(argument, arrays[argument.name])
    return arrays, given.tokens or named


def _has_texts(arrays: dict[str, NDArray], name: str) -> bool:
    return name in arrays and arrays[name].dtype.kind in "US"


def _texts(array: NDArray) -> tuple[str, ...]:
    """Bytes are read as UTF-8."""
    return tuple(
        text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        for text in array.ravel().tolist()
    )
