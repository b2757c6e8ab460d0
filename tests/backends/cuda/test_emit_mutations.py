"""Each part of an emitted kernel is needed: without it, the result is wrong or the run fails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from attn_cuda.library import CudaError
from emit_support import TOLERANCE, attention, draw, errors, lower

GRAPH = attention('scale="1 / sqrt(D)", mask="k <= q + 60 and q != 5"')
PROGRAM = lower(GRAPH, D=24, E=20)
ARRAYS = draw(GRAPH, B=1, H=2, N=70, M=130, D=24, E=20)
BARRIERS = PROGRAM.source.count("__syncthreads();")

MUTATIONS = [
    ("the mask's edge", "if (k > q + 60)", "if (k >= q + 60)"),
    ("when a tile is full", "q_first + 60 < k_last", "q_last + 60 < k_last"),
    ("where the loop ends", "min(q_last + 61, M)", "min(q_first + 61, M)"),
    ("keys past the end have no score", "if (k_count < KEYS) {", "if (M < 0) {"),
    ("keys past the end", "if (lane + 16 * j < k_count)", "if (lane + 16 * j <= k_count)"),
    ("queries past the end are not stored", "if (row < q_count && e < E)", "if (e < E)"),
    ("columns past the end are not stored", "if (row < q_count && e < E)", "if (row < q_count)"),
    ("keys past the end are not read", "row < k_count ?", "row < KEYS ?"),
    ("queries past the end are not read", "row < q_count ?", "row < QUERIES ?"),
    ("the scale", " * scale", ""),
    ("the maximum of whole rows", "lane_max<16>(", "lane_max<8>("),
    ("the sum of whole rows", "lane_sum<16>(", "lane_sum<8>("),
    ("rescaling", "rescale = expf(maximum[i] - new_maximum[i])", "rescale = 1.0f"),
    ("rescaling the sum", "total[i] *= rescale;", ""),
    ("-inf minus -inf", "new_maximum[i] == -INFINITY ? 0.0f :", "M < 0 ? 0.0f :"),
    ("-inf minus -inf, rescaling", "if (new_maximum[i] > -INFINITY)", ""),
    ("a row without keys", "total[i] == 0.0f ? 0.0f :", "M < 0 ? 0.0f :"),
    ("the head", "blockIdx.x / tiles % H", "0"),
    ("a head's stride", "{V, H * M * E, M * E, E, 1}", "{V, H * M * E, M * D, E, 1}"),
]


def worst(source: str) -> float:
    """The largest error of the program with this source."""
    try:
        return errors(replace(PROGRAM, source=source), ARRAYS)["O"]
    except CudaError:
        return float("inf")


def test_the_kernel_is_right() -> None:
    assert worst(PROGRAM.source) <= TOLERANCE


@pytest.mark.parametrize(("old", "new"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS])
def test_every_part_is_needed(old: str, new: str) -> None:
    assert old in PROGRAM.source
    assert not worst(PROGRAM.source.replace(old, new)) <= 100 * TOLERANCE


@pytest.mark.parametrize("index", range(BARRIERS))
def test_every_barrier_is_needed(index: int) -> None:
    places = [m.span() for m in re.finditer(r"__syncthreads\(\);", PROGRAM.source)]
    start, end = places[index]
    assert not worst(PROGRAM.source[:start] + PROGRAM.source[end:]) <= 100 * TOLERANCE
