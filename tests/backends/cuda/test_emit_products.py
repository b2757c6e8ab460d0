"""Matrix products of every size, type and layout, as exact as NumPy's at the same precision."""

from __future__ import annotations

import attn_numpy
import numpy as np
import pytest
from emit_support import draw, graph_of, in_type, lower, run
from error_rule import is_as_exact

from attn_dsl.backend import Options, Program
from attn_dsl.ir import bind, evaluate

GRAPH = graph_of(
    "x: f32[B, H, N, E]", "w: f32[M, E]", "c: f32[M]", "y: f32[H, E, M]", "r: f32[B, H, N, M]",
    "%l = linear(%x, %w, %c) : f32[B, H, N, M]",
    "%a = linear(%x, %w) : f32[B, H, N, M]",
    "%g = relu(%a) : f32[B, H, N, M]",
    "%o = add(%g, %r) : f32[B, H, N, M]",
    "%p = matmul(%x, %y) : f32[B, H, N, M]",
    "%t = transpose(%r) : f32[B, H, M, N]",
    "%z = matmul(%t, %x) : f32[B, H, M, E]",
    outputs=("l", "o", "p", "z"),
)  # fmt: skip
SIZES = {
    "one of each": (1, 1, 1, 1, 1),
    "inside a tile": (1, 2, 7, 5, 6),
    "whole tiles": (1, 1, 128, 128, 64),
    "several tiles": (1, 2, 70, 130, 40),
    "aligned rows, ends": (2, 1, 137, 72, 104),
    "rows that are not aligned": (1, 1, 65, 131, 77),
    "nothing to sum": (1, 2, 5, 7, 0),
    "no rows": (2, 1, 0, 7, 5),
}


@pytest.fixture(scope="module", params=["f32", "f16", "bf16"])
def program(request: pytest.FixtureRequest) -> Program:
    return lower(in_type(GRAPH, request.param))


@pytest.mark.parametrize("name", SIZES)
def test_products(program: Program, name: str) -> None:
    graph, sizes = program.graph, dict(zip("BHNME", SIZES[name], strict=True))
    arrays = draw(graph, **sizes)
    plain = attn_numpy.BACKEND.load(attn_numpy.BACKEND.lower(graph, Options()))
    unfused, wanted = plain(arrays, bind(graph, arrays)), evaluate(graph, arrays)
    for got, other, label in zip(run(program, arrays), unfused, wanted, strict=True):
        assert is_as_exact([(got, other, wanted[label])], got.dtype.name), label


def test_rows_with_gaps_between_batches(program: Program) -> None:
    """Batches are joined into one matrix where that is what lies there, and only there."""
    arrays = draw(program.graph, B=2, H=3, N=6, M=5, E=8)
    wide = np.zeros((2, 3, 9, 8), arrays["x"].dtype)
    wide[:, :, :6] = arrays["x"]
    for got, want in zip(
        run(program, arrays), run(program, {**arrays, "x": wide[:, :, :6]}), strict=True
    ):
        np.testing.assert_array_equal(got, want)
    assert "x_strides[1] == N * x_strides[2]" in program.source


def test_tensor_cores_where_both_sides_have_the_same_16_bits(program: Program) -> None:
    element = program.graph.types["x"].dtype.value
    function = "tile_product" if element == "f32" else f"mma_product_{element}"
    assert program.source.count(f"    {function}(") == 3  # both matmuls have one kernel
    assert ("mma_" in program.source) is (element != "f32")


def test_sums_are_floats() -> None:
    """Halves that sum to more than a half can hold, and come back from there."""
    graph = graph_of("x: f16[N, E]", "w: f16[M, E]", "%y = linear(%x, %w) : f16[N, M]")
    ones = np.ones((3, 64), np.float16)
    signs = np.repeat(np.float16([1, -1]), 32)[None] * ones
    (got,) = run(lower(graph), {"x": 300 * ones, "w": 300 * signs})
    assert not got.any()
