"""Equations on whole tensors: the same graphs as boxes drawn one by one, NumPy's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import QKV, attention, body, codes, compiled, normal, operations, problems, remarked

from attn_dsl.ir import evaluate
from attn_dsl.pipeline import Compiled

QK = QKV.rsplit("V(", 1)[0]
N, M, D, E = 5, 7, 4, 3
ARRAYS = {"Q": normal(0, 2, N, D), "K": normal(1, 2, M, D), "V": normal(2, 2, M, E)}
Q, K, V = (ARRAYS[name].astype(np.float64) for name in "QKV")


def equation(text: str, into: str = "Q", inputs: str = QKV) -> Compiled:
    return compiled(f'{inputs}{into} --> O["{text}"]\n')


def value(found: Compiled, **arrays: Any) -> Any:
    """The only output, on the arrays that the graph takes."""
    names = {s.op.name for s in found.drawn.inputs}  # type: ignore[attr-defined]
    (result,) = evaluate(
        found.drawn, {n: a for n, a in (ARRAYS | arrays).items() if n in names}
    ).values()
    return result


BOXES = f"""{QKV}K --> T[Transpose]
Q & T --> S[MatMul] --> C["Scale by 1/√D"] --> A[Softmax]
A & V --> O[MatMul]
"""
LINES = f"""{QKV}Q & K --> S["S = Q @ Kᵀ / √D"]
S --> A["A = softmax(S, axis = -1)"]
A & V --> O["O = A @ V"]
"""


def test_lines_one_box_and_single_boxes_are_one_program() -> None:
    boxes, lines = compiled(BOXES), compiled(LINES)
    whole = equation("O = softmax(Q @ Kᵀ / √D) @ V", "Q & K & V")
    assert operations(boxes.drawn) == operations(lines.drawn) == operations(whole.drawn)
    expected = ['%O = tiled_attention(%Q, %K, %V) {scale="1 / sqrt(D)"} : f32[B, N, E]']
    assert body(boxes.fused) == body(lines.fused) == body(whole.fused) == expected
    np.testing.assert_allclose(value(whole), attention(Q, K, V, D**-0.5), rtol=1e-12)
    assert remarked(whole) == []


@pytest.mark.parametrize(
    "text",
    [
        "O = softmax(Q @ K.T / sqrt(D), axis=-1) @ V",
        "O = softmax(1 / √D * Q @ Kᵀ, -1) @ V",
        "O = softmax((Q / √d_k) @ Kᵀ) @ V",
        "O = softmax(Q @ Kᵀ / √d) @ V",
        "O=softmax( Q@Kᵀ*D**-0.5 )@V",
    ],
)
def test_other_spellings(text: str) -> None:
    if "d_k" in text:  # a head dim is that of a product; before it there is none
        assert codes(f'{QKV}Q & K & V --> O["{text}"]') == ["E037"]
        return
    found = value(equation(text, "Q & K & V"))
    np.testing.assert_allclose(found, attention(Q, K, V, D**-0.5), rtol=1e-12)


def test_softmax_over_another_axis() -> None:
    found = equation("O = softmax(Q @ Kᵀ, axis = -2)", "Q & K", QK)
    scores = np.exp(Q @ np.swapaxes(K, -1, -2))
    np.testing.assert_allclose(value(found), scores / scores.sum(axis=-2, keepdims=True))
    assert codes(f'{QK}Q & K --> O["O = softmax(Q @ Kᵀ, axis = 0)"]') == ["E038"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O = 2 * Q + 1 - D / 2", 2 * Q + 1 - D / 2),
        ("O = -Q", -Q),
        ("O = Q ** 2", Q**2),
        ("O = 2 ** Q / 3", 2**Q / 3),
        ("O = 1 / (1 + exp(-Q))", 1 / (1 + np.exp(-Q))),
        ("O = tanh(Q) - abs(Q) * √N", np.tanh(Q) - np.abs(Q) * N**0.5),
        ("O = Q * (N - D) / (B + 1)", Q * (N - D) / 3),
        ("O = (Q - Q) @ Qᵀ + Q @ Qᵀ", Q @ np.swapaxes(Q, -1, -2)),
        ("O = Qᵀᵀ", Q),
        ("O = max(Q, 0) + min(0, Q / 10)", np.where(Q > 0, Q, Q / 10)),
        ("O = where(Q > 0, Q * N, -Q)", np.where(Q > 0, Q * N, -Q)),
        ("O = Q % 2 + Q // 2", Q % 2 + Q // 2),
    ],
)
def test_scalars_and_functions(text: str, expected: Any) -> None:
    found = value(equation(text, inputs='Q(["Q : f32[B, N, D]"])\n'))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


W = 'W(["W_q : f32[D, D]"])\nx(["x : f32[{}]"])\n'


@pytest.mark.parametrize(
    ("shape", "text", "operation"),
    [
        ("D, N", "q = W_q * x", "matmul"),
        ("N, D", "q = x * W_q", "matmul"),
        ("D", "q = W_q * x", "multiply"),
        ("1, D", "q = x * W_q", "multiply"),
        ("D, D", "q = W_q * x", "multiply"),
        ("D, D", "q = W_q @ x", "matmul"),
    ],
)
def test_a_star_is_a_product_where_shapes_do_not_broadcast(
    shape: str, text: str, operation: str
) -> None:
    found = equation(text, "W & x", W.format(shape))
    assert operations(found.drawn) == [operation]
    assert (remarked(found) == ["N022"]) is ("*" in text and operation == "matmul")


def test_a_name_that_ends_in_a_transpose_is_a_name() -> None:
    inputs = 'Q(["Q : f32[N, D]"])\nK(["Kᵀ : f32[D, M]"])\n'
    found = equation("S = Q @ Kᵀ", "Q & K", inputs)
    assert operations(found.drawn) == ["matmul"]


def test_names_are_those_of_labels_and_of_ids() -> None:
    inputs = 'a(["Q : f32[N, D]"])\nb2(["K : f32[M, D]"])\n'
    for text in ("S = Q @ Kᵀ", "S = a @ b2ᵀ", "S = a @ K.T"):
        assert operations(equation(text, "a & b2", inputs).drawn) == ["transpose", "matmul"]


def test_an_operation_on_the_arrow_comes_first() -> None:
    found = compiled(f'{QK}Q --> S["S = Q @ K"]\nK -- Transpose --> S')
    np.testing.assert_allclose(value(found), Q @ np.swapaxes(K, -1, -2))


def test_the_transpose_that_is_left_out_is_named() -> None:
    found = equation("S = Q @ K", "Q & K", QK)
    assert [d.message for d in found.notes if d.code == "N020"] == [
        "read as Q · Kᵀ, for which no transpose is drawn"
    ]


def test_an_arrow_that_is_not_mentioned_is_remarked() -> None:
    found = equation("O = 2 * Q", "Q & K", QK)
    assert remarked(found) == ["W020"]
    assert "does not mention `K`" in found.notes[0].message


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("S = Q @ Z", "E037", "Z"),
        ("S = Q / √d_k", "E037", "d_k"),
        ("S = Q + √d_k", "E037", "d_k"),
        ("S = Q / T", "E037", "T"),
        ("S = Q @", "E036", ""),
        ("S = Q @ foo(Q)", "E036", "foo"),
        ("S = Q + Qᵀ", "E038", 'O["S = Q + Qᵀ"]'),
        ("S = 2 * D", "E055", 'O["S = 2 * D"]'),
        ("S = Q @ 2", "E055", 'O["S = Q @ 2"]'),
        ("S = Q > 0", "E055", 'O["S = Q > 0"]'),
        ("S = max(Q, Qᵀ)", "E055", 'O["S = max(Q, Qᵀ)"]'),
        ("S = max(Q, T)", "E037", "T"),
    ],
)
def test_errors_and_their_places(text: str, code: str, place: str) -> None:
    (error,) = problems(f'Q(["Q : f32[B, N, D]"])\nQ --> O["{text}"]\n')
    assert error.code == code
    assert error.span is not None
    assert error.span.text == place


def test_a_declared_type_is_held_against_the_equation() -> None:
    text = f'{QK}Q & K --> S["S = Q @ Kᵀ"]'
    assert codes(f'{text}@{{ type: "f32[B, N, M]" }}') == []
    assert codes(f'{text}@{{ type: "f32[B, M, N]" }}') == ["E043"]
