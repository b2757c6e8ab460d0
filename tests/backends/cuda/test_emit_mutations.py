"""Each part of an emitted kernel is needed: without it, the result is wrong or the run fails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from attn_cuda.runtime import host
from attn_cuda.runtime.library import CudaError
from emit_support import TOLERANCE, attention, draw, errors, lower

GRAPH = attention('scale="1 / sqrt(D)", mask="k <= q + 60 and q != 5"')
PROGRAM = lower(GRAPH, D=24, E=20)
ARRAYS = draw(GRAPH, B=1, H=2, N=70, M=130, D=24, E=20)
BARRIERS = PROGRAM.source.count(" barrier();")

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
    ("a head's stride", "{H * M * E, M * E, E, 1}", "{H * M * E, M * D, E, 1}"),
    ("which stride is which", "V_strides[1], V_strides[2]", "V_strides[2], V_strides[1]"),
]

# A block's threads take turns here, the first one first: what it stores is there for all that
# follow, and what the last one overwrites has been read. So these numbers are right without a
# GPU, and only the check for races finds them.
LOAD_Q = "for (int n = threadIdx.x; n < QUERIES * D; n += THREADS)"
LOAD_K = "for (int n = threadIdx.x; n < KEYS * D; n += THREADS)"
LOAD_V = "for (int n = threadIdx.x; n < KEYS * (16 * VALUES); n += THREADS)"
KEYS_THERE, KEYS_READ, VALUES_THERE, VALUES_READ = range(BARRIERS)


def by(thread: int, *loads: str) -> dict[str, str]:
    """Have tiles loaded by one thread."""
    start = f"for (int n = threadIdx.x == {thread} ? 0 : THREADS * 64;"
    return {
        load: load.replace("for (int n = threadIdx.x;", start).replace("n += THREADS", "++n")
        for load in loads
    }


def twice(load: str) -> dict[str, str]:
    """Have each element of a tile loaded by two threads."""
    return {load: load.replace("n += THREADS", "n += THREADS / 2")}


RACES: list[tuple[str, dict[str, str], dict[int, str]]] = [
    ("each query stored twice", twice(LOAD_Q), {}),
    ("each key stored twice", twice(LOAD_K), {}),
    ("each value stored twice", twice(LOAD_V), {}),
    ("keys read at once", by(0, LOAD_Q, LOAD_K), {KEYS_THERE: ""}),
    ("values read at once", by(0, LOAD_V), {VALUES_THERE: ""}),
    ("keys overwritten at once", by(255, LOAD_V), {KEYS_READ: ""}),
    ("values overwritten at once", by(255, LOAD_K), {VALUES_READ: ""}),
    ("a warp waits for itself alone", by(255, LOAD_K), {VALUES_READ: "__syncwarp();"}),
]


def with_barrier(source: str, index: int, instead: str) -> str:
    """The source with something else in the place of one of its barriers."""
    start, end = [m.span() for m in re.finditer(r"\bbarrier\(\);", source)][index]
    return source[:start] + instead + source[end:]


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
    assert not worst(with_barrier(PROGRAM.source, index, "")) <= 100 * TOLERANCE


@pytest.mark.parametrize(("loads", "barriers"), [r[1:] for r in RACES], ids=[r[0] for r in RACES])
def test_races_that_leave_the_numbers_right(
    loads: dict[str, str], barriers: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PROGRAM.source
    for index, instead in barriers.items():
        source = with_barrier(source, index, instead)
    for old, new in loads.items():
        assert old in source
        source = source.replace(old, new)
    with pytest.raises(CudaError, match=r"kernel attention_O: .* no barrier stands between"):
        errors(replace(PROGRAM, source=source), ARRAYS)
    monkeypatch.setattr(host, "CHECKS", ())
    assert worst(source + "// unchecked") <= TOLERANCE
