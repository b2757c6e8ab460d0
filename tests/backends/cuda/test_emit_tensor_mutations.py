"""Each part of a kernel on tensor cores is needed: without it, a number or a check says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attn_cuda.runtime.host import BuildError, build_emulated
from attn_cuda.runtime.library import CudaError, Library
from emit_support import attention, distance, draw, in_type, lower, run

from attn_dsl.ir import evaluate

GRAPH = in_type(attention('scale="1 / sqrt(D)", mask="k <= q + 63 and q != 5"'), "f16")
PROGRAM = lower(GRAPH, D=24, E=40)
ARRAYS = draw(GRAPH, B=1, H=2, N=140, M=136, D=24, E=40)
WANTED = evaluate(GRAPH, ARRAYS)["O"]
RIGHT = distance(run(PROGRAM, ARRAYS)[0], WANTED)

COPY = "row < count && d < DIMS ? row_at(row) : nullptr"
KEY_ROW = "4 * j + lane / 16 * 8 + lane % 8"
QUERY_ROW = "warp_first + 8 * i + lane % 16, column = d + lane / 16 * 8"
VALUE_ROW = "4 * n + lane % 16, column = 4 * j + lane / 16 * 8"
RESCALE = "new_maximum[i] > -INFINITY ? exp2_approx(power) : 1.0f"

MUTATIONS = [
    # Comparisons
    ("the mask's edge", "if (k > q + 63)", "if (k >= q + 63)"),
    ("the mask's other part", "if (q == 5)", "if (q == 6)"),
    ("when the mask hides nothing", "q_first + 63 < k_last", "q_last + 63 < k_last"),
    ("where the loop ends", "min(q_last + 64, M)", "min(q_first + 64, M)"),
    ("keys past the end", "if (column_of(j) < k_count)", "if (column_of(j) <= k_count)"),
    ("the last tile", "if (k_count < KEYS) {", "if (M < 0) {"),
    ("queries past the end", "row >= q_count || e >= E", "e >= E"),
    ("columns past the end", "row >= q_count || e >= E", "row >= q_count"),
    ("rows past the end are not copied", COPY, COPY.replace("row < count && ", "")),
    ("columns past the end are not copied", COPY, COPY.replace(" && d < DIMS", "")),
    ("the first key", "next_tile(part_begin)", "next_tile(part_begin + KEYS)"),
    # Offsets
    ("the rows of a warp", "threadIdx.x / 32 * 8 * ROWS", "threadIdx.x / 32 * 8"),
    ("the row of a lane", "warp_first + lane / 4,", "warp_first + lane / 8,"),
    ("the column of a lane", "column_first = lane % 4 * 2", "column_first = lane % 4"),
    ("the columns of a lane", "column_first + 8 * (j / 2) + j % 2", "column_first + 4 * j"),
    ("the fragment of queries", QUERY_ROW, QUERY_ROW.replace("lane / 16 * 8", "lane / 8 % 2 * 8")),
    ("the row of a query", QUERY_ROW, QUERY_ROW.replace("lane % 16", "lane % 8")),
    ("the fragment of keys", KEY_ROW, KEY_ROW.replace("lane / 16", "lane / 8 % 2")),
    ("the components of keys", "d + lane / 8 % 2 * 8", "d + lane / 16 * 8"),
    ("the fragment of values", VALUE_ROW, VALUE_ROW.replace("lane / 16 * 8", "lane / 8 % 2 * 8")),
    ("the row of a value", VALUE_ROW, VALUE_ROW.replace("lane % 16", "lane % 8")),
    ("values are transposed", "load_transposed(value", "load_matrices(value"),
    ("the halves of keys", "query[i / 2], key[0], key[1]", "query[i / 2], key[0], key[2]"),
    ("the halves of values", "value[2], value[3]);", "value[1], value[3]);"),
    ("both parts of a fragment", "(upper + 2, lower + 2, query", "(upper, lower, query"),
    ("the order of weights", "[1] = pack_f16(lower", "[1] = pack_f16(upper"),
    ("a pair of weights", "pack_f16(upper[2], upper[3])", "pack_f16(upper[3], upper[2])"),
    ("the column of a pair", "e = column_first + 4 * j", "e = column_first + 2 * j"),
    ("the head", "blockIdx.x / tiles / splits % H", "0"),
    ("the tile of queries", "q_first = tile * QUERIES", "q_first = tile * 2 * QUERIES"),
    ("a head's stride", "View<f16>{O, H * N * E, N * E", "View<f16>{O, H * N * E, N * D"),
    # Barriers, waits, stages
    ("the barrier", "barrier();", ""),
    ("a barrier of the warp alone", "barrier();", "__syncwarp();"),
    ("the wait", "wait_for_copies<0>();", ""),
    ("a wait for all but one", "wait_for_copies<0>();", "wait_for_copies<1>();"),
    ("the wait before the barrier", "wait_for_copies<0>();\n        barrier();",
     "barrier();\n        wait_for_copies<0>();"),
    ("a group of its own", "k_first < part_end) copy_tile(k_first, stage);\n    commit_copies();",
     "k_first < part_end) copy_tile(k_first, stage);"),
    ("the other stage", "copy_tile(k_next, stage ^ 1)", "copy_tile(k_next, stage)"),
    ("the stages in turns", "stage ^= 1;", ""),
    ("the next tile", "copy_tile(k_next, stage ^ 1)", "copy_tile(k_first, stage ^ 1)"),
    # Rows apart in memory
    ("rows in other banks", "[32 + 8]", "[32 + 8 + 8]"),
    ("values in other banks", "value_tile[2][64][48 + 8]", "value_tile[2][64][64 + 8 - 8]"),
    ("rows at multiples of 16 bytes", "query_tile[128][32 + 8]", "query_tile[128][32 + 9]"),
    # Softmax
    ("the scale", "scale * 1.44269504f", "1.44269504f"),
    ("powers of 2", "scale * 1.44269504f", "scale"),
    ("the maximum of whole rows", "lane_max<4>(", "lane_max<2>("),
    ("the sum of whole rows", "lane_sum<4>(", "lane_sum<2>("),
    ("the shift", "to_log2, -shift)", "to_log2, shift)"),
    ("rescaling", RESCALE, "1.0f"),
    ("rescaling the sum", "total[i] *= rescale;", ""),
    ("rescaling the result", "accumulator[i][j] *= rescale;", ";"),
    ("the maximum so far", "maximum[i] = new_maximum[i];", ""),
    ("-inf minus -inf", "new_maximum[i] == -INFINITY ? 0.0f :", "M < 0 ? 0.0f :"),
    ("-inf minus -inf, rescaling", RESCALE, "exp2_approx(power)"),
    ("a row without keys", "total[i] == 0.0f ? 0.0f :", "M < 0 ? 0.0f :"),
    ("the division", "accumulator[i][j] *= inverse;", ";"),
]  # fmt: skip


FEW = lower(
    in_type(attention('scale="1 / sqrt(D)", mask="k <= q + 1060 and q != 5"'), "f16"), D=24, E=40
)
FEW_ARRAYS = draw(FEW.graph, B=2, H=2, N=9, M=1100, D=24, E=40)
SPLITS = [
    ("the part of a block", "part_begin = split * 1024", "part_begin = 0"),
    ("where a part ends", "min(k_end, (split + 1) * 1024)", "k_end"),
    ("the part's place", "O_parts.at(split, head, ", "O_parts.at(0, head, "),
    ("the head's place", "head = b * H + h;", "head = b + h;"),
    ("the part's sum", "if (lane % 4 == 0) O_sums", "if (lane % 4 == 9) O_sums"),
    ("the scale of a sum", "maximum[i] * scale + logf", "maximum[i] + logf"),
    ("the weight of a part", "expf(sums.at(i, head, q, 0) - shift) * parts", "parts"),
    ("parts without a key", "highest == -INFINITY ? 0.0f : highest", "highest"),
    ("rows without a key", "total == 0.0f ? 0.0f : sum / total", "sum / total"),
    ("the division", "0.0f : sum / total", "0.0f : sum"),
]


def complaint(source: str) -> str:
    """What is wrong with this text of the kernel; nothing if all is well."""
    program = replace(PROGRAM, source=source)
    try:
        library = Library(build_emulated(source))
        before = library.bank_conflicts
        apart = distance(run(program, ARRAYS)[0], WANTED)
    except (BuildError, CudaError) as error:
        return str(error)
    if library.bank_conflicts > before:
        return "bank conflicts"
    off = np.max(apart) > 2 * np.max(RIGHT) or np.mean(apart) > 1.2 * np.mean(RIGHT)
    return "wrong numbers" if off else ""


def test_the_kernel_is_right() -> None:
    assert complaint(PROGRAM.source) == ""
    assert np.max(RIGHT) < 1e-3  # results are up to 3, in units of 2 to the -10


@pytest.mark.parametrize(("old", "new"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS])
def test_every_part_is_needed(old: str, new: str) -> None:
    # The size of shared memory is a check of its own, which must not hide what others find.
    source = "\n".join(
        line for line in PROGRAM.source.split("\n") if not line.startswith("static_assert")
    )
    assert old in source
    assert complaint(source.replace(old, new))


def test_a_struct_of_another_size_is_refused() -> None:
    source = PROGRAM.source.replace("query_tile[128]", "query_tile[64]")
    assert "static assertion failed" in complaint(source)


def test_there_are_many() -> None:
    assert len({(old, new) for _, old, new in MUTATIONS}) == len(MUTATIONS) >= 40


@pytest.mark.parametrize(("old", "new"), [m[1:] for m in SPLITS], ids=[m[0] for m in SPLITS])
def test_every_part_of_a_split_is_needed(old: str, new: str) -> None:
    wanted = evaluate(FEW.graph, FEW_ARRAYS)["O"]
    right = np.max(distance(run(FEW, FEW_ARRAYS)[0], wanted))
    assert right < 1e-4  # results are about 1 / 32
    assert old in FEW.source
    program = replace(FEW, source=FEW.source.replace(old, new))
    try:
        apart = distance(run(program, FEW_ARRAYS)[0], wanted)
    except CudaError:
        return
    assert np.max(apart) > 10 * right
