"""The loop over key tiles is split: whole tiles meet no code that hides scores, the others do.

A whole tile may well be taken for a masked one, of which nothing is hidden then. The other way
around a number is wrong, or memory is read that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from attn_cuda.runtime.library import CudaError
from emit_support import Array, attention, check, distance, draw, in_type, lower, run

from attn_dsl.backend import Program
from attn_dsl.ir import Graph, evaluate

SIZES = {"B": 1, "H": 2, "N": 140, "M": 136, "D": 16, "E": 16}
SCALE = 'scale="1 / sqrt(D)"'
MASKS = ("mask_keep?: bool[B, H, N, M]", "mask_bias?: f32[B, H, N, M]")


@dataclass(frozen=True)
class Case:
    """An attention, and what its arrays are beside the random ones."""

    attributes: str
    captured: tuple[str, ...] = ()
    change: Callable[[dict[str, Array]], dict[str, Array]] = lambda arrays: {}

    @property
    def graph(self) -> Graph:
        return in_type(attention(self.attributes, *self.captured), "f16")

    @property
    def arrays(self) -> dict[str, Array]:
        arrays = draw(self.graph, **SIZES)
        return arrays | self.change(arrays)


def _documents(arrays: dict[str, Array]) -> dict[str, Array]:
    """The first 70 queries and keys are one document, the others another one."""
    return {"doc": (np.arange(140) >= 70).astype(np.int32)[None]}


def _infinite(arrays: dict[str, Array]) -> dict[str, Array]:
    """All scores of the first tile are -inf, though no mask hides any."""
    keys = arrays["K"].copy()
    keys[:, :, :64] = -np.inf
    return {"Q": np.abs(arrays["Q"]), "K": keys}


def _hidden(arrays: dict[str, Array]) -> dict[str, Array]:
    return {"mask": np.random.default_rng(1).random((1, 2, 140, 136)) < 0.5}


CASES = {
    "no mask": Case(SCALE),
    "infinite": Case(SCALE, change=_infinite),
    "weights": Case(f'{SCALE}, normalizer="none", score="where(s == 0, inf, s / 64)"'),
    "causal": Case(f'{SCALE}, mask="k <= q + 63"'),
    "window": Case(f'{SCALE}, mask="k <= q + 63 and q - k < 130"'),
    "score": Case(f'{SCALE}, score="s + bias[k]", mask="k <= q + 63"', ("bias: f32[M]",)),
    "documents": Case(f'{SCALE}, mask="doc[b, q] == doc[b, k]"', ("doc: i32[B, N]",), _documents),
    "given": Case(f'{SCALE}, score="s + mask_bias", mask="mask_keep"', MASKS, _hidden),
    "given, causal": Case(f'{SCALE}, mask="k <= q + 63 and mask_keep"', MASKS[:1], _hidden),
    "given, documents": Case(
        f'{SCALE}, mask="doc[b, q] == doc[b, k] and mask_keep"',
        ("doc: i32[B, N]", MASKS[0]),
        lambda arrays: _documents(arrays) | _hidden(arrays),
    ),
}
HIDES = re.compile(r"scores\[i\]\[j\] = (?:-INFINITY|0\.0f);")
GUARD = "new_maximum[i] == -INFINITY ? 0.0f :"

MUTATIONS = [
    ("no mask", "the last tile", "k_first + KEYS <= part_end", "k_first < part_end"),
    ("no mask", "the kind", "struct Masked {\n    static constexpr bool MASKED = true",
     "struct Masked {\n    static constexpr bool MASKED = false"),
    ("infinite", "-inf minus -inf", GUARD, f"kind.MASKED && {GUARD}"),
    ("weights", "the last tile", "k_first + KEYS <= M", "k_first < M"),
    ("weights", "no weight", "scores[i][j] = 0.0f;", ";"),
    ("causal", "the mask's edge", "min(q_first + 64,", "min(q_last + 64,"),
    ("causal", "the edge of a tile", "k_first + KEYS <= whole_end", "k_first < whole_end"),
    ("causal", "the last tile", "min(q_first + 64, part_end)", "q_first + 64"),
    ("causal", "the other tiles", "visit(Masked())", "visit(Whole())"),
    ("window", "the upper edge", "k_last <= q_first + 63", "k_last <= q_last + 63"),
    ("window", "the lower edge", "q_last <= k_first + 129", "q_first <= k_first + 129"),
    ("window", "the last tile", "return k_last < M &&", "return"),
    ("window", "the other tiles", "visit(Masked())", "visit(Whole())"),
    ("score", "keys past the end", "kind.MASKED && M - k_first", "!kind.MASKED && M - k_first"),
    ("score", "the last tile", "min(q_first + 64, part_end)", "q_first + 64"),
    ("documents", "the least", "&& doc_q_max <= doc_k_min", ""),
    ("documents", "the greatest", "&& doc_k_max <= doc_q_min", ""),
    ("documents", "the last tile", "return k_last < M &&", "return"),
    ("given", "the mask", "mask_keep.data == nullptr && k_first", "k_first"),
    ("given, causal", "the mask", "mask_keep.data == nullptr && k_first", "k_first"),
    ("given, documents", "the mask", " && mask_keep.data == nullptr;", ";"),
]  # fmt: skip


@cache
def program_of(name: str) -> Program:
    return lower(CASES[name].graph, D=16, E=16)


@pytest.mark.parametrize("name", CASES)
def test_it_is_split_and_right(name: str) -> None:
    program, case = program_of(name), CASES[name]
    assert re.findall(r" visit\((\w+)\(\)\);", program.source) == ["Whole", "Masked"]
    loops = re.findall(r"while \(.*\) visit\((\w+)\(\)\);", program.source)
    assert loops == ([] if "documents" in name else ["Whole", "Masked"])
    check(program, case.arrays)
    visit = program.source.split("const auto visit =")[1].split("while (")[0]
    block = visit.split("        if constexpr (kind.MASKED) {\n")[1].split("\n        }\n")[0]
    assert 0 < len(HIDES.findall(block)) == len(HIDES.findall(visit))  # and none outside of it


@pytest.mark.parametrize("name", CASES)
def test_whole_tiles_are_known_as_such(name: str) -> None:
    program, arrays = program_of(name), CASES[name].arrays
    arrays.pop("mask", None)
    marked = "(visit(Whole()), accumulator[0][0] = NAN)"
    found = replace(program, source=program.source.replace("visit(Whole())", marked))
    assert np.any(np.isnan(run(found, arrays)[0]))


@pytest.mark.parametrize("name", CASES)
def test_a_whole_tile_may_count_as_masked(name: str) -> None:
    program, arrays = program_of(name), CASES[name].arrays
    masked = replace(program, source=program.source.replace("visit(Whole())", "visit(Masked())"))
    assert np.array_equal(run(masked, arrays)[0], run(program, arrays)[0])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(name, old, new) for name, _, old, new in MUTATIONS],
    ids=[f"{name}: {part}" for name, part, _, _ in MUTATIONS],
)
def test_no_other_tile_counts_as_whole(name: str, old: str, new: str) -> None:
    program, case = program_of(name), CASES[name]
    wanted = evaluate(program.graph, case.arrays)["O"]
    right = np.max(distance(run(program, case.arrays)[0], wanted))
    assert old in program.source
    broken = replace(program, source=program.source.replace(old, new))
    try:
        apart = distance(run(broken, case.arrays)[0], wanted)
    except CudaError:
        return
    assert np.max(apart) > 10 * right


def test_where_no_tile_is_whole_there_is_one_loop() -> None:
    graph = in_type(attention(f'{SCALE}, mask="keep"', "keep: bool[N, M]"), "f16")
    source = lower(graph, D=16, E=16).source
    assert "Whole" not in source
    assert "kind" not in source
    assert source.count("while (") == 1
