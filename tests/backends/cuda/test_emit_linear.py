"""Graphs that do not fuse, and expressions, executed on the host and compared with float64."""

from __future__ import annotations

import numpy as np
import pytest
from emit_support import check, draw, graph_of, lower, run

from attn_dsl.ir import evaluate, from_text, verify

UNFUSED = (
    "Q: f32[B, H, N, D]",
    "K: f32[B, H, M, D]",
    "V: f32[B, 1, M, E]",
    "bias: f32[N, 1]",
    "mask?: bool[B, H, N, M]",
    "%K_T = transpose(%K) : f32[B, H, D, M]",
    "%S = matmul(%Q, %K_T) : f32[B, H, N, M]",
    '%C = scale(%S) {factor="1 / sqrt(D)"} : f32[B, H, N, M]',
    "%A = add(%C, %bias) : f32[B, H, N, M]",
    '%X = mask(%A, %mask) {keep="k <= q + h and mask"} : f32[B, H, N, M]',
    "%P = softmax(%X) : f32[B, H, N, M]",
    "%O = matmul(%P, %V) : f32[B, H, N, E]",
)


@pytest.mark.parametrize(
    ("queries", "keys"), [(1, 1), (64, 65), (65, 130), (70, 63), (0, 3), (5, 0)]
)
def test_unfused_attention(queries: int, keys: int) -> None:
    graph = graph_of(*UNFUSED)
    program = lower(graph)
    arrays = draw(graph, B=2, H=3, N=queries, M=keys, D=17, E=9)
    check(program, arrays)
    check(program, {**arrays, "mask": np.random.default_rng(0).random((queries, 1)) < 0.7})


def test_arithmetic_broadcasts() -> None:
    graph = graph_of(
        "X: f32[..., N, M]",
        "row: f32[M]",
        "column: f32[N, 1]",
        "%A = add(%X, %row) : f32[..., N, M]",
        "%S = subtract(%column, %A) : f32[..., N, M]",
        "%P = multiply(%S, %S) : f32[..., N, M]",
        "%D = divide(%P, %A) : f32[..., N, M]",
    )
    arrays = draw(graph, leading=(2, 3), N=7, M=5)
    assert np.allclose(run(lower(graph), arrays)[0], _divided(arrays), rtol=1e-4)


def _divided(arrays: dict[str, np.ndarray]) -> np.ndarray:
    total = arrays["X"] + arrays["row"].astype(np.float64)
    return (arrays["column"] - total) ** 2 / total


def test_concatenation() -> None:
    graph = graph_of(
        "X: f32[B, H, N, M]",
        "Y: f32[B, 1, N, D]",
        "Z: f32[1, H, 3, M]",
        "ids: i32[N]",
        "%T = transpose(%X) : f32[B, H, M, N]",
        "%C = concatenate(%X, %Y, %X) : f32[B, H, N, 2*M + D]",
        "%R = concatenate(%Z, %X) {axis=-2} : f32[B, H, N + 3, M]",
        "%W = concatenate(%T, %T) {axis=-3} : f32[B, 2*H, M, N]",
        "%E = concatenate(%X, %X) {axis=-4} : f32[2*B, H, N, M]",
        "%I = concatenate(%ids, %ids) : i32[2*N]",
        '%S = scale(%R) {factor="2"} : f32[B, H, N + 3, M]',
        outputs=("C", "S", "W", "E", "I"),
    )
    program = lower(graph)
    for n, m in ((7, 5), (1, 70), (0, 5), (300, 3)):
        check(program, draw(graph, B=2, H=3, N=n, M=m, D=4))


def test_softmax_axes() -> None:
    lines = [f"%P{n} = softmax(%X) {{axis=-{n}}} : f32[B, H, N, M]" for n in (1, 2, 3, 4)]
    graph = graph_of("X: f32[B, H, N, M]", *lines, outputs=("P1", "P2", "P3", "P4"))
    arrays = draw(graph, B=2, H=3, N=35, M=70)
    arrays["X"][0, :, 3] = -np.inf
    arrays["X"][1, 1] = -np.inf
    check(lower(graph), arrays)


def test_outputs_have_their_own_memory() -> None:
    """An input, a transpose, a value that is used on, and the same value twice."""
    graph = verify(
        from_text(
            """
            graph "several"
            %X = input() {name="X", type="f32[N, M]"} : f32[N, M]
            %n = input() {name="n", type="i32[N]"} : i32[N]
            %T = transpose(%X) : f32[M, N]
            %S = matmul(%X, %T) : f32[N, N]
            %R = softmax(%S) : f32[N, N]
            %U = transpose(%R) : f32[N, N]
            return "first" = %X
            return "second" = %n
            return "third" = %U
            return "fourth" = %S
            return "fifth" = %S
            """
        )
    )
    check(lower(graph), draw(graph, N=9, M=4))


def test_integers() -> None:
    graph = graph_of("x: i32[N, M]", "y: i64[M]", "z: i32[M]", "%a = add(%x, %z) : i32[N, M]")
    check(lower(graph), draw(graph, N=9, M=4))


EXPRESSIONS = [
    "q // 3 - (k - 9) // 4",
    "(q - 9) % 4 + (q - k) % -3",
    "-7 // 2 + -7 % 3 + (k - 5) % (q - 3) + (k - 5) // (q - 3)",
    "q / 3 - k / 7",
    "where(q / 2 <= 0.7 * k, 1, 0)",
    "where(k < q < 2 * k, s, -s)",
    "where(not k < q and (q > 2 or k > 3 and h == 1), 0.5, s)",
    "where(k and not q, 1, 2)",
    "where(q, k < 3, k < 5)",
    "min(s, 0.25) + max(q, k, 3) - min(k, 2)",
    "abs(s) + abs(q - k) + abs(q / 3 - 1)",
    "exp(s) + exp(q / 8) + log(1 + abs(s)) + sqrt(abs(s)) + √(q)",
    "tanh(s) * sigmoid(3 * s) + sigmoid(k / 4)",
    "floor(3 * s) + floor(q / 3) + floor(k) // 2",
    "s ** 2 + (q - 3) ** 3 + abs(s) ** 0.5 + 2 ** (q - 4) + N ** 2 / 9",
    "s // 0.3 + s % 0.3 + (q / 4) % 0.7 + (-q / 4) // 3",
    "s - -s - - -s + 1e-3 - 3",
    "-(q - 4) ** 2 + (-s) ** 2",
    "s - (q - (k - (s - 2)))",
    "s / (q + 1) / (k + 1) * (s / 2)",
    "table[q - 2] + table[k + 2] * flags[q, k - 1]",
    "where(flags[k, q] or flags[h, b], s, table[0 - 1])",
    "table[floor(4 * abs(s))]",
    "ids[q] * 2 - ids[k] // 2 + (ids[q] == ids[k])",
    "s + bias + q * slope",
    "(q == k) + (q < k) * 2",
]


def test_expressions() -> None:
    """Every operator and function, on negative numbers too, in one file."""
    inputs = ["X: f32[B, H, N, N]", "table: f32[N]", "flags: bool[N, N]", "ids: i32[N]"]
    inputs += ["bias: f32[H, 1, N]", "slope: f32[1]"]
    names = ", ".join(f"%{line.split(':')[0]}" for line in inputs)
    lines = [
        f'%r{n} = score({names}) {{value="{expression}"}} : f32[B, H, N, N]'
        for n, expression in enumerate(EXPRESSIONS)
    ]
    graph = graph_of(*inputs, *lines, outputs=tuple(f"r{n}" for n in range(len(EXPRESSIONS))))
    arrays = draw(graph, B=2, H=2, N=9)
    outputs, wanted = run(lower(graph), arrays), evaluate(graph, arrays).values()
    for expression, got, want in zip(EXPRESSIONS, outputs, wanted, strict=True):
        assert np.allclose(got, want, rtol=1e-5, atol=1e-5, equal_nan=True), expression
