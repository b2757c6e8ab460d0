"""One grammar of expressions for masks, scores, scales, sizes and equations."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import body, codes, compiled, problems

import attn_dsl
from attn_dsl.ir import Sizes, evaluate
from attn_dsl.sample import sample_inputs

S = 'S(["S : f32[H, N, M]"])\n'
QK = 'Q(["Q : f32[H, N, D]"])\nK(["K : f32[H, M, D]"])\n'

CONDITIONS = [
    ("2 &lt; k ≤ q", "2 < k and k <= q"),
    ("k #lt;= q & ~(k ≠ 3) | not q ≥ 4", "k <= q and not k != 3 or not q >= 4"),
    ("(k − q) // 3 == -1 and (k - q) % -3 == -(1)", "(k - q) // 3 == -1 and (k - q) % -3 == -1"),
    ("k × 2 < q ** 2 ÷ N", "k * 2 < q ** 2 / N"),
    ("min(k, q, 3) < max(√N, abs(q - k))", "min(min(k, q), 3) < max(sqrt(N), abs(q - k))"),
    ("1 < doc[h, k - 1] == doc[h, q] < 9", None),
]


@pytest.mark.parametrize(("text", "read"), CONDITIONS)
def test_conditions_mean_the_same_in_a_mask_a_score_and_an_equation(
    text: str, read: str | None
) -> None:
    doc = 'doc(["doc : i32[H, N]"])\n' if read is None else ""
    read = read or "1 < doc[h, k - 1] and doc[h, k - 1] == doc[h, q] and doc[h, q] < 9"
    into = "S & doc" if doc else "S"
    mask, score, equation, condition = (
        body(compiled(f'{S}{doc}{into} --> X["{label}"]').drawn)[-1].split(" : ")[0]
        for label in (
            f"Mask: {text}",
            f"Score: where({text}, s, -inf)",
            f"X = where({text}, S, -inf)",
            f"X = ({text}) == (S > 0)",
        )
    )
    assert mask == equation
    assert f'keep="{read}"' in mask
    assert f'value="where({read}, s, -inf)"' in score
    assert f'value="({read}) == (S > 0)"' in condition


@pytest.mark.parametrize(
    ("label", "sign", "text", "factor"),
    [
        ("Scale: {}", "*", "min(1/√D, 0.25)", "min(1 / sqrt(D), 0.25)"),
        (
            "Scale by {}",
            "×",
            "where(N &gt; 9, 1, -7 // 2 ÷ √d)",
            "where(N > 9, 1, -7 // 2 / sqrt(D))",
        ),
        ("Divide by {}", "/", "max(D, M - N) × 2", "1 / (max(D, M - N) * 2)"),
        ("× {}", "·", "sigmoid(-N % 3) ** -0.5", "sigmoid(-N % 3) ** -0.5"),
        ("÷ {}", "÷", "floor(√d_k)", "1 / floor(sqrt(D))"),
    ],
)
def test_a_scale_is_a_factor_of_an_equation(label: str, sign: str, text: str, factor: str) -> None:
    box = compiled(f'{QK}Q & K --> S[MatMul] --> X["{label.format(text)}"]')
    equation = compiled(f'{QK}Q & K --> X["X = Q @ Kᵀ {sign} ({text})"]')
    for found in (box, equation):
        assert f'{{factor="{factor}"}}' in body(found.drawn)[-1]


@pytest.mark.parametrize("label", ["Scale: table[3]", "Scale: s", "Divide by √nobody"])
def test_a_scale_is_a_factor_that_is_known(label: str) -> None:
    (error,) = problems(f'{QK}Q & K --> S[MatMul] --> X["{label}"]')
    assert error.code == "E037"
    assert error.span is not None
    assert error.span.text in ("table", "s", "nobody")


@pytest.mark.parametrize(
    ("size", "printed"),
    [
        ("H×D", "D*H"),
        ("E // 8 · 2", "E // 4"),
        ("N ** 2 − 1", "N*N - 1"),
        ("(N + 1) ÷ 2", "(N + 1) // 2"),
    ],
)
def test_sizes(size: str, printed: str) -> None:
    found = compiled(f'x(["x : f32[E, H, D, N, {size}]"]) --> y[Softmax]').drawn
    assert str(found.statements[0].type.dims[-1]) == printed


@pytest.mark.parametrize("size", ["√N", "min(N, 2)", "N % 2", "N < 2", "doc[N]", "N @ N"])
def test_what_is_no_size_is_said(size: str) -> None:
    assert codes(f'x(["x : f32[N, {size}]"]) --> y[Softmax]') == ["E035"]


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_a_scale_has_the_same_value_everywhere(target: str) -> None:
    labels = (
        "min(1/√D, 0.25)",
        "-7 // 2 + N % -4",
        "where(N > M, 0.5, 2 ** (N - M))",
        "1 / (N - M)",
    )
    scales = "\n".join(f'S --> X{i}["Scale: {label}"]' for i, label in enumerate(labels))
    found = compiled(f"{QK}Q & K --> S[MatMul]\n{scales}")
    kernel = attn_dsl.pipeline.load(found, target, emulate=target == "cuda")
    for n, m in ((3, 4), (5, 2)):
        sizes = Sizes({"H": 2, "N": n, "M": m, "D": 9})
        arrays = sample_inputs(found.drawn, sizes, seed=n)
        for name, wanted in evaluate(found.drawn, arrays).items():
            np.testing.assert_allclose(kernel(**arrays)[name], wanted, rtol=1e-5, atol=1e-6)
