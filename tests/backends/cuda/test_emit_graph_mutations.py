"""Every part of the kernels for single operations is needed, and of what the launcher decides.

As in `test_emit_mutations.py`: without it the result is wrong, or the run fails.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attn_cuda.runtime.library import CudaError
from emit_support import Array, draw, graph_of, in_type, lower, run

from attn_dsl.backend import Program
from attn_dsl.ir import Graph, evaluate

ROWS = graph_of(
    "x: f32[2, B, N, M]", "g: f32[M]", "c: f32[M]", "t: f32[N]",
    '%p = softmax(%x, %t) {sink="t[q]"} : f32[2, B, N, M]',
    "%l = log_sum_exp(%x) : f32[2, B, N]",
    "%o = softmax(%x) {axis=-2} : f32[2, B, N, M]",
    "%u = sum(%x) : f32[2, B, N]",
    "%m = mean(%x) {axis=-2} : f32[2, B, M]",
    "%y = layer_norm(%x, %g, %c) : f32[2, B, N, M]",
    '%e = log_sum_exp(%x, %t) {sink="t[q]"} : f32[2, B, N]',
    outputs=("p", "e", "l", "o", "u", "m", "y"),
)  # fmt: skip
PRODUCT = graph_of(
    "x: f32[B, N, E]", "y: f32[B, E, M]", "z: f32[B, N, M]", "w: f32[M, E]", "c: f32[M]",
    "%s0 = matmul(%x, %y) : f32[B, N, M]",
    "%a = linear(%x, %w, %c) : f32[B, N, M]",
    "%r = relu(%a) : f32[B, N, M]",
    "%o = add(%r, %z) : f32[B, N, M]",
    outputs=("s0", "o"),
)  # fmt: skip
HALVES = in_type(PRODUCT, "bf16")
SLICED = graph_of(
    "x: f16[N, 80]", "y: f16[M, 80]",
    '%a = slice(%x) {first="8", count="69"} : f16[N, 69]',
    '%c = slice(%y) {first="0", count="69"} : f16[M, 69]',
    "%t = transpose(%c) : f16[69, M]",
    "%o = matmul(%a, %t) : f16[N, M]",
)  # fmt: skip
PLACES = graph_of(
    "x: f32[N, M]", "i: i32[N]", "t: f32[V, D]", "p: f32[P, S, D]", "j: i32[N, J]",
    "%a = softmax(%x) : f32[N, M]",
    "%s1 = softmax(%a) : f32[N, M]",
    "%s2 = softmax(%s1) : f32[N, M]",
    "%o = divide(%s2, %a) : f32[N, M]",
    "%y = embedding(%i, %t) : f32[N, D]",
    "%z = positions(%y) : f32[N, D]",
    "%g = gather_pages(%p, %j) : f32[N, J*S, D]",
    '%r = repeat_heads(%g) {heads="3*N"} : f32[3*N, J*S, D]',
    '%c = slice(%t) {first="1", count="D - 1"} : f32[V, D - 1]',
    "%n = concatenate(%c, %t) : f32[V, 2*D - 1]",
    outputs=("o", "z", "r", "n"),
)  # fmt: skip
GRAPHS: dict[str, tuple[Graph, dict[str, int]]] = {
    "rows": (ROWS, {"B": 3, "N": 11, "M": 70}),
    "product": (PRODUCT, {"B": 2, "N": 67, "M": 70, "E": 37}),
    "halves": (HALVES, {"B": 2, "N": 130, "M": 136, "E": 72}),
    "sliced": (SLICED, {"N": 9, "M": 5}),
    "aside": (HALVES, {"B": 1, "N": 5, "M": 9, "E": 37}),
    "places": (PLACES, {"N": 7, "M": 65, "V": 9, "D": 4, "P": 5, "S": 3, "J": 4}),
}
PROGRAMS = {name: lower(graph) for name, (graph, _) in GRAPHS.items()}
ARRAYS = {name: draw(graph, **sizes) for name, (graph, sizes) in GRAPHS.items()}
ARRAYS["rows"]["x"][0, 0, 0] = ARRAYS["rows"]["t"][0] = -np.inf
ARRAYS["rows"]["x"][:, :, 1] += 500
ARRAYS["rows"]["t"][2] = 400
ARRAYS["places"]["i"][0] = 100

MUTATIONS = [
    ("rows", "the row", "h = n / rows % heads", "h = 0"),
    ("rows", "rows past the end", "if (n >= count) return;", "if (count < 0) return;"),
    ("rows", "every lane", "int lane = threadIdx.x % 32", "int lane = 0"),
    ("rows", "a warp's maximum", "lane_max<32>(", "lane_max<16>("),
    ("rows", "a warp's sum", "total = lane_sum<32>(total)", "total = lane_sum<16>(total)"),
    ("rows", "the shift", "k)) - shift)", "k)))"),
    ("rows", "-inf minus -inf", "shift = highest == -INFINITY ? 0.0f : highest", "shift = highest"),
    ("rows", "a row of nothing", "total == 0.0f ? 0.0f : weight / total", "weight / total"),
    ("rows", "the sink in the sum", " + expf(sink - shift)", ""),
    ("rows", "the sink in the maximum", "highest = sink", "highest = -INFINITY"),
    ("rows", "the logarithm's shift", "shift + logf(total)", "logf(total)"),
    ("rows", "the mean's divisor", "T(sum / float(columns))", "T(sum / float(rows))"),
    ("rows", "the mean", "float(x.at(b, h, q, k)) - mean;", "float(x.at(b, h, q, k));"),
    ("rows", "epsilon", " + epsilon", " + 1.0f"),
    ("rows", "the gain", "normal * float(gain.at(b, h, q, k))", "normal"),
    ("rows", "the bias", " + float(bias.at(b, h, q, k))", ""),
    ("product", "past the last row of a slice", "line < lines && d < depth", "d < depth"),
    ("product", "past the end of the inner dim", "line < lines && d < depth", "line < lines"),
    ("product", "how slices are read", "depth_stride == 1 ? n % DEPTH : n / TILE", "n % DEPTH"),
    ("product", "the row of a tile", "&lhs.at(b, h, row_first,", "&lhs.at(b, h, 0,"),
    ("product", "the column of a tile", "first, column_first)", "first, 0)"),
    ("product", "the batch", "h = blockIdx.x / across / down % heads", "h = 0"),
    ("product", "rows past the end", "row < rows && column < columns", "column < columns"),
    ("product", "columns past the end", "row < rows && column < columns", "row < rows"),
    ("product", "a thread's rows", "lhs_slice[d][4 * group + i]", "lhs_slice[d][group + 16 * i]"),
    ("product", "the bias", "product + c.at(b, h, q, k)", "product"),
    ("product", "the activation", "fmaxf(a, 0)", "a"),
    ("product", "the sum", "r + z.at(b, h, q, k)", "r"),
    ("product", "how many tiles", "(M + 63) / 64", "M / 64"),
    ("halves", "rows past the end of a tile", "row < rows && column < columns", "column < columns"),
    ("halves", "columns past the end", "row < rows && column < columns", "row < rows"),
    ("halves", "lines past the end", "line < lines && d < depth ? depth - d : 0", "depth - d"),
    ("sliced", "a piece at the end", "left < 8 ? 2 * int(left) : 16", "left < 8 ? 0 : 16"),
    ("halves", "how deep a slice is", "TILE * DEPTH / 8; n +=", "TILE * DEPTH / 16; n +="),
    ("halves", "copies that have arrived", "wait_for_copies<1>", "wait_for_copies<2>"),
    ("halves", "the next stage", "1 - stage)", "stage)"),
    ("halves", "a warp's rows", "warp_row + 16 * i + lane % 16", "16 * i + lane % 16"),
    ("halves", "the halves of a row", "d + lane / 16 * 8", "d"),
    ("halves", "a warp's columns", "warp_column + 16 * j", "16 * j"),
    ("halves", "the halves of a column", "d + lane / 8 % 2 * 8", "d"),
    ("halves", "pairs of columns", "column[j / 2] + j % 2 * 2", "column[j / 2]"),
    ("halves", "where a sum belongs", "n / 2 * 8 + lane / 4", "lane / 4"),
    ("halves", "its column", "lane % 4 * 2 + n % 2", "lane % 4 * 2"),
    ("aside", "rows that begin in between", "line_stride % 8 == 0", "line_stride >= 0"),
    ("aside", "numbers one after the other", "inside ? x[", "line < lines ? x["),
    ("places", "a place of its own", "s1 = scratch.at<float>(place1)", "s1 = a"),
    ("places", "how long a place is", "scratch.reserve(4 * (M * N))", "scratch.reserve(4 * M)"),
    ("places", "ids outside", "return inside ?", "return true ?"),
    ("places", "the position", "position / pow(", "1 / pow("),
    ("places", "sine and cosine", "column % 2 == 0 ? sin(angle)", "column % 2 == 1 ? sin(angle)"),
    ("places", "pages outside", "page >= 0 && page < pages", "page < pages"),
    ("places", "the row of a page", "q % slots", "0"),
    ("places", "heads that several share", "h / each", "h % each"),
    ("places", "where a slice begins", "View<const float>{t + 1,", "View<const float>{t,"),
    ("places", "where a part begins", "View<float>{n_ + D - 1,", "View<float>{n_,"),
]  # fmt: skip
BARRIERS = [
    ("product", " // the slices are complete"),
    ("product", " // nobody reads the slices any more"),
    ("halves", " // these slices are complete"),
    ("halves", " // nobody reads these slices any more"),
]


def is_right(name: str, program: Program) -> bool:
    arrays: dict[str, Array] = ARRAYS[name]
    with np.errstate(all="ignore"):
        wanted = evaluate(GRAPHS[name][0], arrays).values()
    try:
        found = run(program, arrays)
    except CudaError:
        return False
    limit = 1e-4 if name in ("rows", "product", "places") else 0.1
    return all(
        np.allclose(got.astype(np.float64), want, limit, limit, equal_nan=True)
        for got, want in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("name", GRAPHS)
def test_the_kernels_are_right(name: str) -> None:
    assert is_right(name, PROGRAMS[name])


@pytest.mark.parametrize(
    ("name", "old", "new"), [(m[0], *m[2:]) for m in MUTATIONS], ids=[m[1] for m in MUTATIONS]
)
def test_every_part_is_needed(name: str, old: str, new: str) -> None:
    source = PROGRAMS[name].source
    assert old in source
    assert not is_right(name, replace(PROGRAMS[name], source=source.replace(old, new)))


@pytest.mark.parametrize(("name", "remark"), BARRIERS)
def test_every_barrier_is_needed(name: str, remark: str) -> None:
    source = PROGRAMS[name].source
    barrier = f"barrier(); {remark}"
    assert barrier in source
    assert not is_right(name, replace(PROGRAMS[name], source=source.replace(barrier, "")))
