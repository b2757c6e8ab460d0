"""Every part of the kernels for single operations is needed, and of what the launcher decides.

As in `test_emit_mutations.py`: without it the result is wrong, or the run fails.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attn_cuda.runtime.library import CudaError
from emit_support import Array, draw, graph_of, lower, run

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
    ("rows", "the shift", "expf(x.at(b, h, q, k) - shift)", "expf(x.at(b, h, q, k))"),
    ("rows", "-inf minus -inf", "shift = highest == -INFINITY ? 0.0f : highest", "shift = highest"),
    ("rows", "a row of nothing", "total == 0.0f ? 0.0f : weight / total", "weight / total"),
    ("rows", "the sink in the sum", " + expf(sink - shift)", ""),
    ("rows", "the sink in the maximum", "highest = sink", "highest = -INFINITY"),
    ("rows", "the logarithm's shift", "shift + logf(total)", "logf(total)"),
    ("rows", "the mean's divisor", "T(sum / float(columns))", "T(sum / float(rows))"),
    ("rows", "the mean", "x.at(b, h, q, k) - mean;", "x.at(b, h, q, k);"),
    ("rows", "epsilon", " + epsilon", " + 1.0f"),
    ("rows", "the gain", "normal * gain.at(b, h, q, k)", "normal"),
    ("rows", "the bias", " + bias.at(b, h, q, k)", ""),
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
    ("product", "rows of all batches", "(B * N + 63) / 64", "(N + 63) / 64"),
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
BARRIERS = (" // the slices are complete", " // nobody reads the slices any more")


def is_right(name: str, program: Program) -> bool:
    arrays: dict[str, Array] = ARRAYS[name]
    with np.errstate(all="ignore"):
        wanted = evaluate(GRAPHS[name][0], arrays).values()
    try:
        found = run(program, arrays)
    except CudaError:
        return False
    return all(
        np.allclose(got, want, 1e-4, 1e-4, equal_nan=True)
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


@pytest.mark.parametrize("remark", BARRIERS)
def test_every_barrier_is_needed(remark: str) -> None:
    source = PROGRAMS["product"].source
    barrier = f"__syncthreads(); {remark}"
    assert barrier in source
    assert not is_right("product", replace(PROGRAMS["product"], source=source.replace(barrier, "")))
