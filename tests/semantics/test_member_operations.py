"""Operations that are drawn for each key, value or score of a family, against NumPy by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawn import NDArray, codes, compiled, inputs, normal
from members import (
    ATTENTION,
    OPEN,
    QUERY,
    SIZES,
    TOKENS,
    check,
    in_full,
    is_fused,
    members,
    other_ids,
    softmax,
    wide,
)

from attn_dsl.expr import to_text
from attn_dsl.ir.ops import Scale

B, D, E = 3, 8, 4
"""Batch, width of keys, width of values."""


def tokens(n: int) -> dict[str, NDArray]:
    """A query, n keys and n values."""
    return {"Q": normal(0, B, D), "K": normal(1, B, n, D), "V": normal(2, B, n, E)}


def scores(arrays: dict[str, NDArray]) -> NDArray:
    """[batch, member], in float64."""
    q, k = wide(arrays["Q"], arrays["K"])
    return np.einsum("bd,bnd->bn", q, k)


def drawing(after_score: str = "", after_weight: str = "", indices: tuple[str, ...] = OPEN) -> str:
    """Attention of one query, with more boxes for each score and for each weight."""
    s, w = ("S", "W")
    lines = ["Q & K{i} --> S{i}[Dot Product]"]
    for k, label in enumerate(filter(None, after_score.split(" | "))):
        lines.append(f'{s}{{i}} --> A{chr(97 + k)}{{i}}["{label}"]')
        s = f"A{chr(97 + k)}"
    lines.append(f"{s}{{i}} --> W{{i}}[Softmax]")
    for k, label in enumerate(filter(None, after_weight.split(" | "))):
        lines.append(f'{w}{{i}} --> B{chr(97 + k)}{{i}}["{label}"]')
        w = f"B{chr(97 + k)}"
    lines.append(f"{w}{{i}} & V{{i}} --> P{{i}}[Multiply]\nP{{i}} --> O[Sum]")
    return QUERY + members(TOKENS + "\n".join(lines), indices)


def spent(weights: NDArray, arrays: dict[str, NDArray]) -> NDArray:
    return np.einsum("bn,bne->be", weights, arrays["V"])


K = np.arange
FUSED: dict[str, Callable[[NDArray], NDArray]] = {
    "Scale by 1/√d": lambda s: s / np.sqrt(D),
    "Scale {i} by 1/√d_k": lambda s: s / np.sqrt(D),
    "Scale": lambda s: s / np.sqrt(D),
    "Divide by 2": lambda s: s / 2,
    "Mask: k != 1": lambda s: np.where(K(s.shape[1]) != 1, s, -np.inf),
    "Mask {i}: k <= q": lambda s: np.where(K(s.shape[1]) == 0, s, -np.inf),
    "Mask: k > 100": lambda s: np.where(s > np.inf, s, -np.inf),
    "Causal Mask": lambda s: s,
    "Score: 3 * tanh(s / 3) - k / 2 + q": lambda s: 3 * np.tanh(s / 3) - K(s.shape[1]) / 2,
    "Scale | Score: 2 * s - k | Mask: k < 3": lambda s: np.where(
        K(s.shape[1]) < 3, 2 * s / np.sqrt(D) - K(s.shape[1]), -np.inf
    ),
    "Mask: k < 3 | Scale": lambda s: np.where(K(s.shape[1]) < 3, s / np.sqrt(D), -np.inf),
}


@SIZES
@pytest.mark.parametrize("labels", FUSED)
def test_on_scores(labels: str, n: int) -> None:
    arrays = tokens(n)
    expected = spent(softmax(FUSED[labels](scores(arrays))), arrays)
    assert is_fused(check(drawing(labels), arrays, expected))


@SIZES
@pytest.mark.parametrize("label", ["ReLU", "Tanh", "Dropout {i}"])
def test_functions_on_scores(label: str, n: int) -> None:
    arrays = tokens(n)
    function = {"ReLU": lambda s: np.maximum(s, 0), "Tanh": np.tanh}.get(label, lambda s: s)
    check(
        drawing(f"{label} | Scale"),
        arrays,
        spent(softmax(function(scores(arrays)) / D**0.5), arrays),
    )


@SIZES
@pytest.mark.parametrize("label", ["ReLU", "Scale: 3", "Dropout", "Score: s * (k + 1)"])
def test_functions_on_weights(label: str, n: int) -> None:
    arrays = tokens(n)
    weights = softmax(scores(arrays))
    weights = {"Scale: 3": 3 * weights, "Score: s * (k + 1)": weights * (1 + K(n))}.get(
        label, weights
    )
    check(drawing("", label), arrays, spent(weights, arrays))


@pytest.mark.parametrize("n", [2, 5])
def test_written_out_in_full(n: int) -> None:
    arrays = tokens(n)
    weights = softmax(np.where(K(n) != 1, scores(arrays) / D**0.5, -np.inf))
    text = drawing("Scale by 1/√d | Mask: k != 1", "", tuple(in_full(n)))
    assert is_fused(check(text, arrays, spent(weights, arrays)))


@SIZES
def test_an_optional_mask_hides_members(n: int) -> None:
    text, arrays = drawing("Mask (opt.)"), tokens(n)
    plain = spent(softmax(scores(arrays)), arrays)
    check(text, arrays, plain)
    keep = np.random.default_rng(3).integers(0, 2, (B, 1, n)).astype(bool)
    hidden = spent(softmax(np.where(keep[:, 0], scores(arrays), -np.inf)), arrays)
    assert is_fused(check(text, arrays | {"Aa": keep}, hidden))
    check(
        text,
        arrays | {"Aa": keep[0, 0]},
        spent(softmax(np.where(keep[0], scores(arrays), -np.inf)), arrays),
    )
    bias = normal(4, n)
    check(text, arrays | {"Aa": bias}, spent(softmax(scores(arrays) + bias), arrays))


@SIZES
def test_a_mask_beside_the_scores_of_each_softmax(n: int) -> None:
    """One number for each member, and a condition that is the same for all."""
    text = drawing("") + members('keep{i}(["keep{i} : bool[]"]) -- Mask --> W{i}')
    text += 'few["Mask: k < 4"]\n' + members("few --> W{i}")
    arrays, keep = tokens(n), np.arange(n) % 3 < 2
    hidden = np.where(keep & (K(n) < 4), scores(arrays), -np.inf)
    assert is_fused(check(text, arrays | {"keep": keep}, spent(softmax(hidden), arrays)))


def test_a_mask_of_all_members_is_none_of_each() -> None:
    """What flows into each box is what it gets: a member has one score."""
    text = drawing("") + 'keep(["keep : bool[N]"])\n' + members("keep -- Mask --> W{i}")
    assert codes(text) == ["E053"]


@SIZES
def test_a_mask_that_is_an_input(n: int) -> None:
    """Shared by all members, it counts them along its last axis."""
    text = drawing("Mask").replace("S{i} -->", "").replace("Mask", "Mask: seen[k] > q")
    text += 'seen(["seen : i32[N]"])\n' + members("seen --> Aa{i}")
    arrays = tokens(n) | {"seen": np.arange(n, dtype=np.int32) % 2}
    weights = softmax(np.where(arrays["seen"] > 0, scores(arrays), -np.inf))
    assert is_fused(check(text, arrays, spent(weights, arrays)))


@SIZES
def test_a_mask_of_each_member(n: int) -> None:
    """Members that declare no type take that of the scores."""
    text = drawing("Mask").replace("Mask", "Mask {i}") + members("M{i} --> Aa{i}")
    arrays, keep = tokens(n), np.arange(n) % 3 > 0
    weights = softmax(np.where(keep, scores(arrays), -np.inf))
    found = check(text, arrays | {"M": keep[None]}, spent(weights, arrays))
    assert inputs(found.drawn)["M"] == "bool[..., 1, N]"


@SIZES
def test_a_number_of_each_member_in_an_expression(n: int) -> None:
    text = drawing("Score: s + 2 * g{i}") + members('g{i}(["g{i} : f32[...]"]) --> Aa{i}')
    arrays, g = tokens(n), normal(5, B, n)
    found = check(text, arrays | {"g": g}, spent(softmax(scores(arrays) + 2 * g), arrays))
    assert is_fused(found)
    assert inputs(found.drawn)["g"] == "f32[..., N]"


ARITHMETIC: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    "Add": np.add,
    "Subtract": np.subtract,
    "Multiply": np.multiply,
    "Divide": np.divide,
}


@SIZES
@pytest.mark.parametrize("word", ARITHMETIC)
def test_two_families_pair_by_their_index(word: str, n: int) -> None:
    """Vectors with vectors, and the numbers of members with each other."""
    text = QUERY + members(
        TOKENS + f"U{{i}}(Key {{i}})\nK{{i}} & U{{i}} --> X{{i}}[{word}]\n"
        "Q & X{i} --> S{i}[Dot Product]\nS{i} --> W{i}[Softmax]\n"
        f"S{{i}} & W{{i}} --> Y{{i}}[{word}]\n"
        "Y{i} & V{i} --> P{i}[Multiply]\nP{i} --> O[Sum]"
    )
    arrays = tokens(n) | {"U": 2 + np.abs(normal(6, B, n, D))}
    q, k, u = wide(arrays["Q"], arrays["K"], arrays["U"])
    s = np.einsum("bd,bnd->bn", q, ARITHMETIC[word](k, u))
    check(text, arrays, spent(ARITHMETIC[word](s, softmax(s)), arrays))


@SIZES
@pytest.mark.parametrize("word", ARITHMETIC)
def test_a_value_from_outside_is_the_same_for_all(word: str, n: int) -> None:
    """A vector for vectors, a number for numbers, and on either side."""
    text = QUERY + members(
        TOKENS + f"K{{i}} & u --> X{{i}}[{word}]\n"
        "Q & X{i} --> S{i}[Dot Product]\n"
        f"c & S{{i}} --> Y{{i}}[{word}]\nY{{i}} --> W{{i}}[Softmax]\n"
        "W{i} & V{i} --> P{i}[Multiply]\nP{i} --> O[Sum]"
    )
    text += 'u(["u : f32[..., D]"])\nc(["c : f32[...]"])\n'
    u, c = 2 + np.abs(normal(7, B, D)), 1 + np.abs(normal(8, B))
    arrays = tokens(n) | {"u": u, "c": c}
    q, k = wide(arrays["Q"], arrays["K"])
    s = ARITHMETIC[word](c[:, None], np.einsum("bd,bnd->bn", q, ARITHMETIC[word](k, u[:, None])))
    check(text, arrays, spent(softmax(s), arrays))


def test_an_outside_value_of_no_batch_dims() -> None:
    text = QUERY + members(
        TOKENS + "K{i} & u --> X{i}[Add]\nQ & X{i} --> S{i}[Dot Product]\n"
        "S{i} & c --> W{i}[Multiply]\nW{i} & V{i} --> P{i}[Multiply]\nP{i} --> O[Sum]"
    )
    text += 'u(["u : f32[D]"])\nc(["c : f32[]"])\n'
    arrays = tokens(5) | {"u": normal(1, D), "c": np.float32(3)}
    q, k = wide(arrays["Q"], arrays["K"])
    weights = 3 * np.einsum("bd,bnd->bn", q, k + arrays["u"])
    check(text, arrays, spent(weights, arrays))


def test_more_dims_than_a_member_has() -> None:
    """A number times a matrix from outside is a matrix for each member."""
    text = QUERY + members("K{i}(Key {i})\nQ & K{i} --> S{i}[MatMul]\nS{i} & M --> P{i}[Multiply]")
    text += 'M(["M : f32[..., R, E]"])\n'
    arrays = tokens(5)
    m = normal(9, B, 2, E)
    expected = np.einsum("bn,bre->bnre", scores(arrays), m)
    check(text, {"Q": arrays["Q"], "K": arrays["K"], "M": m}, expected)


def test_undeclared_members_take_the_type_of_the_others() -> None:
    text = members("V{i}(Value {i}) --> P{i}[Multiply]\ng{i}(Gate {i}) --> P{i}")
    found = check(
        text,
        {"V": normal(0, 2, 5, 4), "g": normal(1, 2, 5, 4)},
        np.multiply(*wide(normal(0, 2, 5, 4), normal(1, 2, 5, 4))),
    )
    assert inputs(found.drawn) == {"V": "f32[..., N, Dv]", "g": "f32[..., N, Dv]"}


@SIZES
def test_functions_on_vectors(n: int) -> None:
    """In expressions k counts the components and q the members."""
    text = QUERY + members(
        TOKENS + 'K{i} --> X{i}["Score: s * (k + 1) + q"] --> Y{i}["Scale: 1/4"] --> Z{i}[Tanh]\n'
        "Q & Z{i} --> S{i}[Dot Product]\nS{i} --> W{i}[Softmax]\n"
        "V{i} --> U{i}[ReLU]\nW{i} & U{i} --> P{i}[Multiply]\nP{i} --> R{i}[Dropout] --> O[Sum]"
    )
    arrays = tokens(n)
    q, k = wide(arrays["Q"], arrays["K"])
    k = np.tanh((k * (np.arange(D) + 1) + np.arange(n)[:, None]) / 4)
    weights = softmax(np.einsum("bd,bnd->bn", q, k))
    expected = np.einsum("bn,bne->be", weights, np.maximum(arrays["V"], 0))
    assert is_fused(check(text, arrays, expected))


def test_softmax_of_vectors_is_within_each() -> None:
    text = members("K{i}(Key {i}) --> W{i}[Softmax]")
    k = normal(0, B, 5, D)
    check(text, {"K": k}, softmax(k.astype(float)))


@SIZES
@pytest.mark.parametrize(("word", "function"), [("Sum", np.sum), ("Mean", np.mean)])
def test_a_sum_with_one_arrow_is_within_each(
    word: str, function: Callable[..., NDArray], n: int
) -> None:
    """It is a number then, and a softmax of those runs along the family."""
    text = members(f"K{{i}}(Key {{i}}) --> S{{i}}[{word}] --> W{{i}}[Softmax]")
    k = normal(0, B, n, D)
    check(text, {"K": k}, softmax(function(k.astype(float), axis=-1)))


@SIZES
def test_vectors_times_a_matrix(n: int) -> None:
    """From the right and from the left, and a query that meets them afterwards."""
    arrays = {"K": normal(0, B, n, D), "W": normal(1, D, E), "M": normal(2, E, D)}
    k = arrays["K"].astype(float)
    head = 'W(["W : f32[D, E]"])\nM(["M : f32[E, D]"])\n' + members("K{i}(Key {i})")
    right, left = (
        head + members(f"{arrows} --> X{{i}}[MatMul]") for arrows in ("K{i} & W", "M & K{i}")
    )
    check(
        right.replace('M(["M : f32[E, D]"])\n', ""), {n: arrays[n] for n in "KW"}, k @ arrays["W"]
    )
    check(
        left.replace('W(["W : f32[D, E]"])\n', ""),
        {n: arrays[n] for n in "KM"},
        k @ arrays["M"].T,
    )


@SIZES
def test_products_of_paired_members(n: int) -> None:
    """Vector with vector, vector with matrix, matrix with vector."""
    a, b, m = normal(0, B, n, D), normal(1, B, n, D), normal(2, B, n, D, E)
    text = members(
        'a{i}(["a{i} : f32[..., D]"])\nc{i}(["c{i} : f32[..., D]"])\n'
        'm{i}(["m{i} : f32[..., D, E]"])\n'
        "a{i} & c{i} --> X{i}[Dot Product]\na{i} & m{i} --> Y{i}[MatMul]\n"
        "m{i} -- Transpose --> Z{i}[MatMul]\na{i} --> Z{i}"
    )
    expected = {
        "X": np.einsum("bnd,bnd->bn", *wide(a, b)),
        "Y": np.einsum("bnd,bnde->bne", *wide(a, m)),
        "Z": np.einsum("bnd,bnde->bne", *wide(a, m)),
    }
    check(text, {"a": a, "c": b, "m": m}, expected)


def test_an_outside_vector_and_the_matrix_of_each() -> None:
    u, m = normal(0, B, D), normal(1, B, 5, D, E)
    text = 'u(["u : f32[..., D]"])\n' + members(
        'm{i}(["m{i} : f32[..., D, E]"])\nu & m{i} --> Y{i}[MatMul]'
    )
    check(text, {"u": u, "m": m}, np.einsum("bd,bnde->bne", *wide(u, m)))


@pytest.mark.parametrize(
    "arrows",
    ["a{i} & c{i}", "u & c{i}", "c{i} & u", "c{i} & W", "W & c{i}", "c{i} & m{i}", "m{i} & c{i}"],
)
def test_a_scale_after_a_product_knows_what_was_contracted(arrows: str) -> None:
    text = members(
        'a{i}(["a{i} : f32[..., D]"])\nc{i}(["c{i} : f32[..., D]"])\n'
        'm{i}(["m{i} : f32[..., D, D]"])\n'
        f"{arrows} --> X{{i}}[MatMul] --> Y{{i}}[Scale]"
    )
    text += 'u(["u : f32[..., D]"])\nW(["W : f32[D, D]"])\n'
    found = compiled(text)
    (scale,) = [s.op for s in found.drawn.statements if isinstance(s.op, Scale)]
    assert to_text(scale.factor) == "1 / sqrt(D)"


def test_a_batch_dim_that_members_do_not_name() -> None:
    """`...` may or may not be it."""
    text = members("K{i}(Key {i}) & u --> X{i}[Add]") + 'u(["u : f32[B, D]"])\n'
    assert codes(text) == ["E053"]
    plain = members('K{i}(["K{i} : f32[D]"]) & u --> X{i}[Add]') + 'u(["u : f32[B, D]"])\n'
    k, u = normal(0, 5, D), normal(1, B, D)
    check(plain, {"K": k, "u": u}, k[:, None].astype(float) + u)


def test_a_transposed_vector_is_the_vector() -> None:
    arrays = tokens(5)
    text = drawing("Scale")
    drawn = text.replace("Q & K1 -->", "Q --> S1\nK1 -- Transpose -->")
    drawn = drawn.replace("Q & K2 -->", "Q --> S2\nK2 -- Transpose -->")
    drawn = drawn.replace("Q & KN -->", "Q --> SN\nKN -- Transpose -->")
    assert drawn != text
    check(drawn, arrays, spent(softmax(scores(arrays) / D**0.5), arrays))


@SIZES
def test_several_families_of_scores(n: int) -> None:
    """Two queries, each with scores of its own for the same keys and values."""
    body = ATTENTION + other_ids(ATTENTION, {"Q": "R", "S": "T", "W": "X", "P": "Y", "O": "Z"})
    text = "R(Query)\n" + QUERY + members(TOKENS + body)
    arrays = tokens(n) | {"R": normal(5, B, D)}
    other = np.einsum("bd,bnd->bn", *wide(arrays["R"], arrays["K"]))
    expected = {
        "O": spent(softmax(scores(arrays)), arrays),
        "Z": spent(softmax(other), arrays),
    }
    assert is_fused(check(text, arrays, expected))


@SIZES
def test_families_of_two_letters(n: int) -> None:
    """Keys 1 … N and others 1 … M do not pair: each has its query."""
    other = other_ids(TOKENS + ATTENTION, dict(zip("QKVSWPO", "RLUTXYZ", strict=True)))
    text = QUERY + "R(Query)\n" + members(TOKENS + ATTENTION) + members(other, ("1", "2", "M"))
    arrays = tokens(n) | {"R": normal(5, B, D), "L": normal(6, B, 4, D), "U": normal(7, B, 4, E)}
    r = np.einsum("bd,bnd->bn", *wide(arrays["R"], arrays["L"]))
    expected = {
        "O": spent(softmax(scores(arrays)), arrays),
        "Z": np.einsum("bn,bne->be", softmax(r), arrays["U"]),
    }
    found = check(text, arrays, expected)
    assert is_fused(found)
    assert inputs(found.drawn)["L"] == "f32[..., M, D]"


def test_a_query_behind_a_layer_is_a_vector_too() -> None:
    """Else its scores would be vectors, and their softmax within each."""
    text = drawing("Scale").replace("Q(Query)", "q(Query) --> n[ReLU] --> Q[Dropout]")
    arrays = tokens(5)
    weights = softmax(
        np.einsum("bd,bnd->bn", *wide(np.maximum(arrays["Q"], 0), arrays["K"])) / D**0.5
    )
    arrays["q"] = arrays.pop("Q")
    found = check(text, arrays, spent(weights, arrays))
    assert inputs(found.drawn)["q"] == "f32[..., D]"


@SIZES
def test_equations_on_each(n: int) -> None:
    text = members('K{i}(Key {i}) --> Y{i}["Y{i} = max(K{i} * 2, 0) + 1"]')
    k = normal(0, B, n, D)
    check(text, {"K": k}, np.maximum(k * 2.0, 0) + 1)


def test_an_equation_of_two_families() -> None:
    text = members('K{i}(Key {i}) --> Y{i}["Y{i} = K{i} / 2 - u * L{i}"]\nL{i}(Key {i}) --> Y{i}')
    text += members("u --> Y{i}") + 'u(["u : f32[..., D]"])\n'
    k, w, u = normal(0, B, 5, D), normal(1, B, 5, D), normal(2, B, D)
    check(text, {"K": k, "L": w, "u": u}, k / 2.0 - u[:, None] * w)


@pytest.mark.parametrize(
    "text",
    [
        'K{i}(Key {i}) --> Y{i}["Y{i} = K{i} @ K{i}ᵀ"]',
        'K{i}(Key {i}) --> Y{i}["Y{i} = softmax(K{i}, axis=-2)"]',
        "K{i}(Key {i}) --> Y{i}[Split Heads]@{ heads: 2 }",
        "K{i}(Key {i}) --> Y{i}[Merge Heads]",
        "K{i}(Key {i}) --> Y{i}[Softmax]@{ axis: -2 }",
        "K{i}(Key {i}) --> Y{i}[Sum]@{ axis: -2 }",
    ],
)
def test_what_would_mix_members_has_no_rule(text: str) -> None:
    assert codes(members(text)) in (["E053"], ["E038"])


def test_elements_that_an_equation_reads_at_indices() -> None:
    """Those of what is the same for all members; `q` and `k` are the rows and columns of each."""
    text = 'u(["u : f32[E, D]"])\n' + members(
        'm{i}(["m{i} : f32[..., D, E]"]) & u --> y{i}["y{i} = 2 * m{i} + u[k, q]"]'
    )
    m, u = normal(0, B, 3, D, E), normal(1, E, D)
    check(text, {"m": m, "u": u}, 2 * m.astype(float) + u.T)
    for i in "12N":
        text = text.replace(f"2 * m{i} + u[k, q]", f"uᵀ + m{i}[q, k]")
    assert codes(text) == ["E053"]
