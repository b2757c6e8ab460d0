"""Equations on whole tensors: the same graphs as boxes drawn one by one, NumPy's numbers."""

from __future__ import annotations

import time
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
        ("S = max(Q, Qᵀ)", "E038", 'O["S = max(Q, Qᵀ)"]'),
        ("S = max(Q, T)", "E037", "T"),
        ("S = Q + T[q]", "E037", "T"),
        ("S = Q + D[q]", "E037", "D"),
        ("S = Q[b, q, k]", "E055", 'O["S = Q[b, q, k]"]'),
        ("S = k <= q", "E055", 'O["S = k <= q"]'),
        ("S = Q @ (k <= q)", "E055", 'O["S = Q @ (k <= q)"]'),
        ("S = Q + Q[q]", "E038", "Q"),
        ("S = Q + Q[b, q, k / 2]", "E038", "Q"),
        ("S = softmax(Q > 0)", "E038", 'O["S = softmax(Q > 0)"]'),
        ("S = softmax(Q, axis=0.5)", "E036", "softmax"),
        ("S = Q + s", "E037", "s"),
        ("S = where(Q > 0, Q @ foo, 0)", "E037", "foo"),
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


SCORES = 'S(["S : f32[B, N, M]"])\n'
MORE = f"""{SCORES}T(["T : f32[N, M]"])
row(["row : f32[1, M]"])
doc_q(["doc_q : i32[N, 1]"])
doc_k(["doc_k : i32[1, M]"])
keep(["keep : bool[B, 1, M]"])
"""
S, T, row = normal(3, 2, N, M), normal(4, N, M), normal(5, 1, M)
doc_q, doc_k = np.arange(N, dtype=np.int32)[:, None] % 3, np.arange(M, dtype=np.int32)[None] % 3
keep = normal(6, 2, 1, M) > 0
ALL = {"S": S, "T": T, "row": row, "doc_q": doc_q, "doc_k": doc_k, "keep": keep}
q, k = np.arange(N)[:, None], np.arange(M)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O = max(S, T)", np.maximum(S, T)),
        (
            "O = where(keep, min(S, T, row), -T)",
            np.where(keep, np.minimum(np.minimum(S, T), row), -T),
        ),
        ("O = doc_q == doc_k", doc_q == doc_k),
        ("O = doc_q ≤ doc_k and not keep or k == q", ((doc_q <= doc_k) & ~keep) | (k == q)),
        ("O = ~(doc_q > doc_k) & keep | S > T", (~(doc_q > doc_k) & keep) | (S > T)),
        ("O = -1 < S - T <= row < 2", (S - T > -1) & (row - S + T >= 0) & (row < 2)),
        (
            "O = (doc_q - 2) // (doc_k - 5) + (doc_q - 2) % 3",
            (doc_q - 2) // (doc_k - 5) + (doc_q - 2) % 3,
        ),
        ("O = S * keep + (doc_q == 1)", S * keep + (doc_q == 1)),
        (
            "O = S + T[q, k - q + 1]",
            S + np.where((q <= k + 1) & (k - q < M - 1), T[q, (k - q + 1) % M], 0),
        ),
        ("O = S + row[0, doc_q + doc_k]", S + row[0, doc_q + doc_k]),
        ("O = S + T[doc_k[0, k], h]", S + T[doc_k, np.arange(2)[:, None, None]]),
        ("O = √abs(S) ** 3 + T ** 2 / row", np.sqrt(np.abs(S)) ** 3 + T**2 / row),
        ("O = sigmoid(S - T) - floor(T)", 1 / (1 + np.exp(T - S)) - np.floor(T)),
        ("O = where(doc_q - doc_k, S, T)", np.where(doc_q - doc_k != 0, S, T)),
        ("O = S × 2 ÷ 4 − 1", S / 2 - 1),
    ],
)
def test_elements_of_several_tensors(text: str, expected: Any) -> None:
    found = equation(text, " & ".join(ALL), MORE)
    result = value(found, **ALL)
    assert result.dtype.kind == np.asarray(expected).dtype.kind
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


def drawn_as(*boxes: str, inputs: str = MORE) -> list[str]:
    """The operations of a few boxes."""
    return body(compiled(inputs + "\n".join(boxes)).drawn)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("O = where(k <= q, S, -inf)", 'S --> O["Mask: k <= q"]'),
        ("O = where(k &gt; q, -inf, S)", 'S --> O["Mask: not k > q"]'),
        ("O = where(keep, S, -inf)", "keep & S --> O[Mask]"),
        (
            "O = where(keep and doc_q == 1, S, -inf)",
            'S & keep & doc_q --> O["Mask: keep and doc_q == 1"]',
        ),
        ("O = S / 8", 'S --> O["Scale: 1 / 8"]'),
        ("O = S - T", "S & T --> O[Subtract]"),
    ],
)
def test_what_a_box_can_draw_is_that_box(text: str, box: str) -> None:
    used = " & ".join(name for name in ALL if name in text.split("=", 1)[1])
    assert drawn_as(f'{used} --> O["{text}"]') == drawn_as(box)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("O = where(k <= q, S / √N + T, -inf) / 2", ["scale", "add", "mask", "scale"]),
        ("O = 50 * tanh(S / 50)", ["pointwise", "scale"]),
        ("O = max(S, 0) + min(0, S / 10)", ["pointwise"]),
        ("O = max(S, 0) + T", ["pointwise", "add"]),
        ("O = where(T > 0, T, -inf)", ["pointwise"]),
        ("O = where(keep, T, -inf)", ["pointwise"]),  # it is wider than T
        ("O = where(k <= q, -inf, 0) + S", ["pointwise"]),
        ("O = (row + q) * T", ["pointwise"]),  # q counts the rows of the result
        ("O = (T + q) * T[0, k]", ["pointwise"]),
        ("O = (T + q) * S", ["pointwise"]),
        ("O = (S + q) * T", ["pointwise", "multiply"]),
        ("O = doc_q * 2 + doc_k", ["pointwise"]),
        ("O = 1 < S @ row.T < 2", ["transpose", "matmul", "pointwise"]),
        ("O = where(S > 0, softmax(S), 0)", ["softmax", "pointwise"]),
    ],
)
def test_what_has_no_operation_of_its_own_is_one(text: str, steps: list[str]) -> None:
    used = " & ".join(name for name in ALL if name in text.split("=", 1)[1])
    found = compiled(f'{MORE}{used} --> O["{text}"]').drawn
    assert operations(found) == steps


def test_indices_count_the_rows_of_the_whole_part() -> None:
    found = equation("O = (row + q) * T", "row & T", MORE)
    np.testing.assert_allclose(value(found, **ALL), (row + q) * T, rtol=1e-6)


ATTENTION = f'{QKV}Q & K --> S["S = Q @ Kᵀ / √D"]\n{{}}\nC --> P[Softmax]\nP & V --> O[MatMul]\n'


@pytest.mark.parametrize(
    ("steps", "fused"),
    [
        ('S --> C["C = where(k <= q, S, -inf)"]', 'mask="k <= q"'),
        ('S & m --> C["C = where(m, S, -inf)"]\nm(["m : bool[N, M]"])', 'mask="m"'),
        ('S & T --> C["C = min(S, T)"]\nT(["T : f32[N, M]"])', 'score="min(s, T)"'),
        (
            'S & T --> C["C = S + T[h, q - k + 127]"]\nT(["T : f32[B, R]"])',
            'score="s + T[h, q - k + 127]"',
        ),
        ('S --> C["C = 50 * tanh(S / 50)"]', 'score="tanh(s / 50) * 50"'),
        (
            'a & c --> m["m = a == c"]\na(["a : i32[N, 1]"])\nc(["c : i32[1, M]"])\n'
            "S & m --> C[Mask]",
            'mask="a == c"',
        ),
        (
            'slope & T --> R["R = slope[h] * T"]\nslope(["slope : f32[B]"]) --> R\n'
            'T(["T : f32[B, N, M]"])\nS & R --> C[Add]',
            'score="s + slope[h] * T"',
        ),
    ],
)
def test_steps_drawn_as_equations_fuse(steps: str, fused: str) -> None:
    found = compiled(ATTENTION.format(steps)).fused
    assert [op for op in operations(found) if op == "softmax"] == []
    assert fused in body(found)[-1]
    assert 'scale="1 / sqrt(D)"' in body(found)[-1]


def test_attention_in_one_equation_with_a_mask() -> None:
    text = "O = softmax(where(k <= q, Q @ Kᵀ / √d, -inf)) @ V"
    found = equation(text, "Q & K & V")
    expected = '{scale="1 / sqrt(D)", mask="k <= q"}'
    assert body(found.fused) == [f"%O = tiled_attention(%Q, %K, %V) {expected} : f32[B, N, E]"]
    causal = attention(Q, K, V, D**-0.5, k <= q)
    np.testing.assert_allclose(value(found), causal, rtol=1e-12)


def test_tensors_win_over_indices_and_indices_within_brackets() -> None:
    inputs = 'q(["q : f32[N, D]"])\nk(["k : f32[M, D]"])\ndoc(["doc : i32[N]"])\n'
    found = equation("O = where(doc[q] == doc[k], q @ k.T, h)", "q & k & doc", inputs)
    assert body(found.drawn)[-1].startswith(
        '%O = pointwise(%doc, %O_2) {value="where(doc[q] == doc[k], O_2, h)"}'
    )
    arrays = {
        "q": normal(0, N, D),
        "k": normal(1, M, D),
        "doc": np.array([3, 3, 1, 0, 0], np.int32),
    }
    doc = np.append(arrays["doc"], [0] * (M - N))
    product = arrays["q"].astype(np.float64) @ arrays["k"].T
    wanted = np.where(doc[:N, None] == doc, product, 0)
    np.testing.assert_allclose(value(found, **arrays), wanted, rtol=1e-12)
    assert remarked(found) == ["W023"]


def test_an_index_along_no_dim_is_remarked() -> None:
    inputs = 'slope(["slope : f32[H, 1, 1]"])\n'
    found = equation("O = slope * (k - q) + h + b", "slope", inputs)
    assert remarked(found) == ["W023", "W023", "W023"]
    assert found.notes[0].message == "`k` is always 0 here, as it runs along no dim of f32[H, 1, 1]"


def test_a_size_that_is_called_like_an_index() -> None:
    x = 'x(["x : f32[n, k]"])\n'
    (error,) = problems(f'{x}x --> y["y = x / √k"]')
    assert (error.code, error.span and error.span.text) == ("E037", "k")
    s = 'x(["x : f32[s, k]"])\n'
    assert codes(f'{s}x --> y["y = max(x, s)"]') == ["E037"]
    assert codes(f'{s}x --> y["y = x / √s"]') == []  # a scale has no score
    products = 'Q(["Q : f32[n, k]"])\nK(["K : f32[m, k]"])\nQ & K --> S["S = {}"]'
    assert codes(products.format("max(Q @ Kᵀ / √d, 0)")) == ["E037"]
    assert codes(products.format("Q @ Kᵀ / √d")) == []


def test_a_head_dim_that_two_products_contract_is_not_guessed() -> None:
    inputs = 'Q(["Q : f32[N, E]"])\nK(["K : f32[N, F]"])\n'
    text = "S = max(Q @ Qᵀ / √d, K @ Kᵀ / √d)"
    assert codes(f'{inputs}Q & K --> S["{text}"]') == ["E037"]
    assert codes(f'{inputs}Q & K --> S["{text.replace("max", "").replace(",", " +")}"]') == []


def test_a_part_of_a_chain_is_computed_once() -> None:
    found = equation("O = 0 < S @ row.T ≤ 1", "S & row", MORE)
    assert operations(found.drawn) == ["transpose", "matmul", "pointwise"]
    chain = " < ".join(["softmax(S)"] * 30)
    assert operations(equation(f"O = {chain}", "S", SCORES).drawn) == [
        *["softmax"] * 30,
        "pointwise",
    ]


def test_long_products_are_read_at_once() -> None:
    begin = time.perf_counter()
    found = equation("O = " + " * ".join(["S", "T"] * 40), "S & T", MORE)
    assert operations(found.drawn) == ["pointwise"]
    assert time.perf_counter() - begin < 5


def test_whole_numbers_become_real_ones_in_the_dtype_of_the_drawing() -> None:
    inputs = 'i(["i : i32[N, M]"])\nW(["W : f64[M, D]"])\n'
    text = f'{inputs}i & W --> O["O = (1.0 * i) @ W"]'
    assert codes(text) == ["E038"]
    found = compiled(text, dtype="f64")
    assert operations(found.drawn) == ["pointwise", "matmul"]
    assert '{dtype="f64", value="1.0 * i"} : f64[N, M]' in body(found.drawn)[0]
