"""Equations over several tensors, executed on the host and compared with float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from emit_support import Array, draw, lower, run
from equation_texts import WHOLE, whole_numbers
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.ir import Graph, evaluate
from attn_dsl.pipeline import analyse, read

TYPES = {
    "S": "f32[B, H, N, M]",
    "T": "f32[N, M]",
    "row": "f32[1, M]",
    "slope": "f32[H, 1, 1]",
    "i": "i32[N, 1]",
    "j": "i64[1, M]",
    "m": "bool[B, 1, 1, M]",
    "W": "f32[M, 8]",
}
SIZES = {"B": 2, "H": 3, "N": 5, "M": 7}
EQUATIONS = (
    "min(S, T, row) - max(S, 0.25)",
    "where(m, S, -T)",
    "i == j",
    "not m and i < j <= 3 or k == q",
    "0 <= i - j < 2",
    "m",
    "i // j + i % j",
    "(i - 3) // (j + 9) + (i - 3) % -4",
    "i * 2000000000 + i * 2000000000 < 0",
    "i * 2000000000 - 2000000000",
    "i * i * 1000003 * 1000003 % 1000",
    "-(i * 70000) * 70000 // 3 + j",
    "-i * 2000000000 // 7 + j",
    "m + m + (i > 0)",
    "S // 0.5 + T % 0.5 - S % -0.75",
    "S / i + i / j",
    "S * m - (j > 1)",
    "S + T[q, k - q]",
    "S + T[i, j + 3] * slope",
    "S + row[0, i + j]",
    "S - slope[h, 0, 0] * abs(q - k)",
    "j[0, i] * 1000000007",
    "where(j, S, b + h)",
    "sigmoid(S) * tanh(T) + exp(-abs(S)) + √abs(row) + log(1 + abs(T))",
    "floor(S * 3) + floor(T)",
    "S ** 2 + i ** 3 + 2 ** (q - k)",
    "max(S @ W, 0) * 2 + i",
    "where(k <= q, S, -inf)",
    "softmax(where(k <= q and m, S / √M, -inf))",
    "where(S > 0, S, T) / (1 + i * i)",
    "min(1 / √N, 0.25) * S",
)


def graph_of(equations: Mapping[str, str], types: Mapping[str, str]) -> Graph:
    """A drawing of these equations, each by its name, over inputs of these types."""
    boxes = [f'{name}(["{name} : {type_}"])' for name, type_ in types.items()]
    boxes += [f'{" & ".join(types)} --> {n}["{n} = {text}"]' for n, text in equations.items()]
    return analyse(read("\n".join(["flowchart TD", *boxes]))).fused


def compare(graph: Graph, equations: Mapping[str, str], arrays: Mapping[str, Array]) -> None:
    """Whole numbers and conditions are the same; real ones nearly."""
    outputs, wanted = run(lower(graph), arrays), evaluate(graph, arrays)
    for got, (name, want) in zip(outputs, wanted.items(), strict=True):
        dtype = graph.types[dict(graph.outputs)[name]].dtype
        assert (got.dtype, got.shape) == (np.dtype(dtype.numpy), want.shape), equations[name]
        limit = 1e-5 if dtype.is_float else 0
        assert np.allclose(got, want, limit, limit, equal_nan=True), equations[name]


def test_equations() -> None:
    equations = {f"r{n}": text for n, text in enumerate(EQUATIONS)}
    graph = graph_of(equations, TYPES)
    arrays = draw(graph, **SIZES)
    arrays["i"] = np.arange(-2, 3, dtype=np.int32)[:, None]
    compare(graph, equations, arrays)
    compare(graph, equations, draw(graph, **SIZES | {"N": 1, "B": 1}))


@examples(4)
@given(st.lists(whole_numbers(), min_size=25, max_size=25))
def test_whole_numbers(texts: list[str]) -> None:
    equations = {f"r{n}": text for n, text in enumerate(texts)}
    graph = graph_of(equations, WHOLE)
    compare(graph, equations, draw(graph, N=3, M=4))
