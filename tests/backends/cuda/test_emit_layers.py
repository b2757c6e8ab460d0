"""Every operation, executed on the host: as exact as the same one in NumPy at that precision."""

from __future__ import annotations

from collections.abc import Iterator

import attn_numpy
import numpy as np
import pytest
from attn_cuda import BACKEND
from emit_support import Array, graph_of, in_type, lower, run
from error_rule import FACTORS, is_as_exact
from layers import INPUTS, OPS
from support import draw

from attn_dsl.backend import Options, Program
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import DType, Graph, Sizes, bind, evaluate, from_text
from attn_dsl.ir import ops as operations

IN_F64 = {name for name, (_, type_) in OPS.items() if type_.startswith("f64")}
NAMES = [name for name in OPS if name not in IN_F64]
SMALL = {"N": 5, "M": 7, "E": 6, "D": 4, "h": 2, "J": 6, "G": 3}
LARGE = {"N": 67, "M": 9, "E": 102, "D": 35, "h": 2, "J": 3, "G": 1}
"""Where tiles have an end, a row has several elements for each lane."""


def layers() -> Graph:
    """All operations in one graph, as compilers take long to start; an output for each."""
    lines = [f'%{n} = input() {{name="{n}", type="{t}"}} : {t}' for n, t in INPUTS.items()]
    lines += [f"%{name}_ = {OPS[name][0]} : {OPS[name][1]}" for name in NAMES]
    lines += [f'return "{name}" = %{name}_' for name in NAMES]
    return from_text("\n".join(['graph "layers"', *lines, ""]))


@pytest.fixture(scope="module", params=["f32", "f16", "bf16"])
def program(request: pytest.FixtureRequest) -> Program:
    return lower(in_type(layers(), request.param))


def compared(program: Program, sizes: Sizes) -> Iterator[tuple[str, tuple[Array, Array, Array]]]:
    """What the emitted source gives, what NumPy gives in f32, and what is right, by operation."""
    graph = program.graph
    arrays = draw(graph, sizes)
    plain = attn_numpy.BACKEND.load(attn_numpy.BACKEND.lower(graph, Options()))
    with np.errstate(all="ignore"):
        unfused = plain(arrays, bind(graph, arrays))
        wanted = evaluate(graph, arrays)
    for got, other, (name, right) in zip(
        run(program, arrays), unfused, wanted.items(), strict=True
    ):
        assert got.dtype == other.dtype
        yield name, (got, other, right)


def element_type(array: Array) -> str:
    """What rounds a result: whole numbers and conditions are exact."""
    return array.dtype.name if array.dtype.name in FACTORS else "float32"


@pytest.mark.parametrize(
    ("symbols", "batch"),
    [(SMALL, (2,)), (LARGE, (2,)), (SMALL | {"N": 1, "E": 12}, (1,))],
    ids=["small", "large", "one"],
)
def test_every_operation(program: Program, symbols: dict[str, int], batch: tuple[int]) -> None:
    wrong = [
        name
        for name, triple in compared(program, Sizes(symbols, batch))
        if not is_as_exact([triple], element_type(triple[0]))
    ]
    assert wrong == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_of_nothing(program: Program) -> None:
    for sizes in (Sizes(SMALL | {"N": 0}, (2,)), Sizes(SMALL, (0,)), Sizes(SMALL | {"E": 0}, (2,))):
        arrays = draw(program.graph, sizes)
        with np.errstate(all="ignore"):
            wanted = evaluate(program.graph, arrays)
        for got, (name, right) in zip(run(program, arrays), wanted.items(), strict=True):
            limit = {"float16": 1e-2, "bfloat16": 1e-1}.get(got.dtype.name, 1e-5)
            found = got.astype(np.float64)
            np.testing.assert_allclose(found, right, rtol=limit, atol=limit, err_msg=name)


def test_none_is_left_out() -> None:
    """An operation that is added needs a kernel, and a case here or among the fused ones."""
    tried = {OPS[name][0].split("(")[0] for name in NAMES}
    elsewhere = {"input", "matmul", "transpose", "scale", "mask", "score", "pointwise"}
    elsewhere |= {"merge_heads", "tiled_attention", "tiled_log_sum_exp"}
    assert tried | elsewhere == set(operations.OPS)


def test_ids_outside_of_the_table() -> None:
    graph = graph_of(
        "i: i32[N]", "j: i64[N]", "t: f32[V, E]",
        "%x = embedding(%i, %t) : f32[N, E]",
        "%y = embedding(%j, %t) : f32[N, E]",
        outputs=("x", "y"),
    )  # fmt: skip
    ids = np.int64([-1, 7, 2**40, 0, 6, -(2**31)])
    table = np.float32(np.random.default_rng(0).standard_normal((7, 3)))
    arrays = {"i": np.int32(np.clip(ids, -(2**31), 2**31 - 1)), "j": ids, "t": table}
    for got, want in zip(run(lower(graph), arrays), evaluate(graph, arrays).values(), strict=True):
        np.testing.assert_array_equal(got, want)


def test_pages_that_are_not_there() -> None:
    graph = graph_of(
        "p: f32[P, H, S, D]", "t: i64[B, J]", "%x = gather_pages(%p, %t) : f32[B, H, J*S, D]"
    )
    for pages in (4, 0):
        pool = np.float32(np.random.default_rng(0).standard_normal((pages, 2, 3, 5)))
        arrays = {"p": pool, "t": np.int64([[3, -1, 0], [4, 2**40, 1]])}
        (got,) = run(lower(graph), arrays)
        np.testing.assert_array_equal(got, evaluate(graph, arrays)["x"])


def test_rows_far_from_zero() -> None:
    """The variance of a layer norm is found around the mean, so nothing of it is lost."""
    graph = graph_of(
        "x: f32[N, E]", "g: f32[E]", "c: f32[E]", "%y = layer_norm(%x, %g, %c) : f32[N, E]"
    )
    arrays = draw(graph, Sizes({"N": 9, "E": 70}))
    arrays["x"] = np.float32(arrays["x"] + 3000)
    (got,) = run(lower(graph), arrays)
    assert np.max(np.abs(got - evaluate(graph, arrays)["y"])) < 1e-3


def test_rows_that_are_nothing() -> None:
    graph = graph_of(
        "x: f32[B, N, M]", "t: f32[N]",
        '%p = softmax(%x, %t) {sink="t[q]"} : f32[B, N, M]',
        "%l = log_sum_exp(%x) : f32[B, N]",
        '%m = log_sum_exp(%x, %t) {sink="t[q]"} : f32[B, N]',
        "%o = softmax(%x) : f32[B, N, M]",
        outputs=("p", "l", "m", "o"),
    )  # fmt: skip
    arrays = draw(graph, Sizes({"B": 2, "N": 5, "M": 37}))
    arrays["x"][0, 2:], arrays["x"][1, :, 3:] = -np.inf, -np.inf
    arrays["t"][3] = -np.inf
    arrays["x"][1] *= 1e4
    with np.errstate(all="ignore"):
        wanted = evaluate(graph, arrays)
    for got, (name, want) in zip(run(lower(graph), arrays), wanted.items(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6, err_msg=name)


def test_f64_is_refused() -> None:
    for name in IN_F64:
        op, type_ = OPS[name]
        graph = graph_of(f"x: {INPUTS['x']}", f"%y = {op} : {type_}")
        with pytest.raises(DiagnosticError) as caught:
            BACKEND.lower(graph, Options())
        assert {d.code for d in caught.value.diagnostics} == {"E062"}
        assert graph.types["y"].dtype is DType.F64
