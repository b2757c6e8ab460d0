"""Heads: members that are matrices, drawn as one module each or box by box."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from drawn import NDArray, attention, codes, compiled, inputs, normal, operations, parameters
from members import OPEN, SIZES, check, in_full, is_fused, members, wide
from test_invariance import anonymous

B, T, E = 2, 3, 20
X = 'x(["x : f32[..., T, E]"])\n'
LINEAR = "x --> LQ{i}[Linear Q{i}]\nx --> LK{i}[Linear K{i}]\nx --> LV{i}[Linear V{i}]\n"
BOXES = """LQ{i} --> S{i}[MatMul {i}]
LK{i} -- Transpose --> S{i}
S{i} --> D{i}[Scale {i}] --> H{i}["Mask (opt.)"] --> P{i}[SoftMax {i}]
P{i} & LV{i} --> O{i}[MatMul {i}]
"""
MODULE = "LQ{i} & LK{i} & LV{i} --> O{i}[Head {i} <br> Scaled Dot-Product Attention]\n"
JOINED = "O{i} --> C\n"
CONCATENATE = "C[Concatenate]\n"


def layers(
    names: Sequence[str], rows: int = E, columns: int = E, scale: float = 0.3
) -> dict[str, NDArray]:
    """Weights and biases, in single precision."""
    found: dict[str, NDArray] = {}
    for seed, name in enumerate(names):
        found[f"{name}.weight"] = normal(100 + seed, rows, columns) * np.float32(scale)
        found[f"{name}.bias"] = normal(200 + seed, rows)
    return found


def head(weights: dict[str, NDArray], name: str, i: int, n: int, x: NDArray) -> NDArray:
    """The linear layer of head i: rows [i * out, (i + 1) * out) of the parameter."""
    w, b = wide(weights[f"{name}.weight"], weights[f"{name}.bias"])
    rows = slice(i * len(w) // n, (i + 1) * len(w) // n)
    return x @ w[rows].T + b[rows]


def multi_head(x: NDArray, weights: dict[str, NDArray], n: int) -> list[NDArray]:
    """Each head's attention, written out by hand."""
    found = []
    for i in range(n):
        q, k, v = (head(weights, f"L{part}", i, n, x) for part in "QKV")
        found.append(attention(q, k, v, 1 / np.sqrt(q.shape[-1])))
    return found


@SIZES
@pytest.mark.parametrize("body", [BOXES, MODULE], ids=["boxes", "module"])
def test_one_projection_a_head(body: str, n: int) -> None:
    """Each Linear is as wide as a head; those of all heads are one, and then split."""
    text = X + members(LINEAR + body + JOINED) + CONCATENATE
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"])
    expected = np.concatenate(multi_head(x.astype(float), weights, n), axis=-1)
    found = check(text, {"x": x}, expected, weights, heads=n)
    assert is_fused(found)
    assert operations(found.drawn).count("linear") == 3
    assert parameters(found.drawn)["LQ.weight"] == "f32[E, E]"


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("body", [BOXES, MODULE], ids=["boxes", "module"])
def test_one_projection_a_head_in_full(body: str, n: int) -> None:
    text = X + members(LINEAR + body + JOINED, in_full(n)) + CONCATENATE
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"])
    expected = np.concatenate(multi_head(x.astype(float), weights, n), axis=-1)
    assert is_fused(check(text, {"x": x}, expected, weights))


def test_boxes_and_modules_are_the_same_graph() -> None:
    for start in (LINEAR, ""):
        named = start or "q & k & v"
        text = X + (members(start) if start else "x --> LQ[Linear] & LK[Linear] & LV[Linear]\n")
        boxes, module = BOXES, MODULE
        if not start:
            boxes, module = (re.sub(r"(L[QKV])\{i\}", r"\1", body) for body in (BOXES, MODULE))
        drawn = [
            compiled(text + members(body + JOINED) + CONCATENATE, heads=4)
            for body in (boxes, module)
        ]
        assert anonymous(drawn[0].drawn) == anonymous(drawn[1].drawn), named
        assert anonymous(drawn[0].fused) == anonymous(drawn[1].fused), named


def test_heads_written_out_are_the_same_graph() -> None:
    drawn = [
        compiled(X + members(LINEAR + BOXES + JOINED, indices) + CONCATENATE, **settings)
        for indices, settings in ((OPEN, {"heads": 3}), (in_full(3), {}))
    ]
    assert anonymous(drawn[0].drawn) == anonymous(drawn[1].drawn)


@SIZES
def test_one_projection_for_all_heads(n: int) -> None:
    """What enters heads that are concatenated is split before the transpose on an arrow."""
    boxes = re.sub(r"(L[QKV])\{i\}", r"\1", BOXES)
    text = (
        X + "x --> LQ[Linear] & LK[Linear] & LV[Linear]\n" + members(boxes + JOINED) + CONCATENATE
    )
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"])
    expected = np.concatenate(multi_head(x.astype(float), weights, n), axis=-1)
    assert is_fused(check(text, {"x": x}, expected, weights, heads=n))


@SIZES
def test_a_linear_on_the_arrow_of_each_head(n: int) -> None:
    text = X + members("x -- Linear --> R{i}[ReLU]\nR{i} --> C") + CONCATENATE
    x = normal(0, B, T, E)
    weights = layers(["R.x"])
    expected = np.maximum(np.concatenate([head(weights, "R.x", i, n, x) for i in range(n)], -1), 0)
    check(text, {"x": x}, expected, weights, heads=n)


ENDS: dict[str, Callable[[list[NDArray]], NDArray]] = {
    "Add": sum,  # type: ignore[dict-item]
    "Sum": sum,  # type: ignore[dict-item]
    "Mean": lambda heads: sum(heads) / len(heads),  # type: ignore[arg-type, return-value]
    "Output": lambda heads: np.stack(heads, axis=-3),
}


@SIZES
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("body", [BOXES, MODULE], ids=["boxes", "module"])
def test_heads_that_are_not_concatenated(body: str, end: str, n: int) -> None:
    """Then x is the same for all, and each Linear is as wide as x unless it says otherwise."""
    linear = LINEAR.replace("]\n", "]@{ out: 4 }\n")
    text = X + members(linear + body + JOINED) + f"C({end})\n"
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"], rows=4 * n)
    expected = ENDS[end](multi_head(x.astype(float), weights, n))
    assert is_fused(check(text, {"x": x}, expected, weights, heads=n))


def test_members_that_nobody_uses_are_one_output() -> None:
    text = X + members(LINEAR.replace("]\n", "]@{ out: 4 }\n") + MODULE)
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"], rows=12)
    expected = np.stack(multi_head(x.astype(float), weights, 3), axis=-3)
    found = check(text, {"x": x}, expected, weights, heads=3)
    assert [label for label, _ in found.drawn.outputs] == ["O"]


@SIZES
def test_a_projection_back_for_each_head_and_their_sum(n: int) -> None:
    """Its input differs from head to head: a weight each, in one product, and none per head."""
    linear = LINEAR.replace("]\n", "]@{ out: 4 }\n")
    text = (
        X + members(linear + MODULE + "O{i} --> L{i}[Linear]@{ out: E }\nL{i} --> C") + "C[Add]\n"
    )
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"], rows=4 * n)
    weights |= layers(["L"], rows=E * n, columns=4)
    parts = multi_head(x.astype(float), weights, n)
    expected = sum(head(weights, "L", i, n, part) for i, part in enumerate(parts))
    assert isinstance(expected, np.ndarray)
    assert is_fused(check(text, {"x": x}, expected, weights, heads=n))


def test_a_residual_beside_the_sum_of_heads() -> None:
    linear = LINEAR.replace("]\n", "]@{ out: E }\n")
    text = X + members(linear + MODULE + JOINED) + "x --> C[Add]\n"
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"], rows=3 * E)
    expected = sum(multi_head(x.astype(float), weights, 3)) + x
    check(text, {"x": x}, expected, weights, heads=3)


@SIZES
def test_inputs_of_each_head(n: int) -> None:
    """With queries of their own, undeclared members are matrices."""
    attend = MODULE.replace(
        "LQ{i} & LK{i} & LV{i}", "Q{i}(Query {i}) & K{i}(Key {i}) & V{i}(Value {i})"
    )
    for body in (attend, *_by_boxes("Q{i}(Query {i})", "K{i}(Key {i})", "V{i}(Value {i})")):
        q, k, v = normal(0, B, n, T, 4), normal(1, B, n, 5, 4), normal(2, B, n, 5, 6)
        parts = [attention(*(a[:, i] for a in wide(q, k, v)), 0.5) for i in range(n)]
        text = members(body + JOINED)
        arrays = {"Q": q, "K": k, "V": v}
        found = check(text + CONCATENATE, arrays, np.concatenate(parts, axis=-1))
        assert is_fused(found)
        assert inputs(found.drawn)["Q"] == "f32[..., N, Lq, D]"
        check(text + "C[Sum]", arrays, sum(parts[1:], parts[0]))


def _by_boxes(q: str, k: str, v: str) -> list[str]:
    return [BOXES.replace("LQ{i}", q).replace("LK{i}", k).replace("LV{i}", v)]


@SIZES
def test_keys_and_values_that_all_heads_share(n: int) -> None:
    """Multi-query attention (Shazeer 2019): a query for each head, keys and values for all."""
    (body,) = _by_boxes("Q{i}(Query {i})", "K(Key)", "V(Value)")
    q, k, v = normal(0, B, n, T, 4), normal(1, B, 5, 4), normal(2, B, 5, 6)
    parts = [attention(*wide(q[:, i], k, v), 0.5) for i in range(n)]
    found = check(
        members(body + JOINED) + "C[Sum]", {"Q": q, "K": k, "V": v}, sum(parts[1:], parts[0])
    )
    assert is_fused(found)
    assert "transpose" not in operations(found.fused)
    assert inputs(found.drawn)["K"] == "f32[..., Lk, D]"


@SIZES
def test_keys_that_are_as_wide_as_a_head_are_shared(n: int) -> None:
    """Concatenated heads split what is as wide as all of them, and share what is as one."""
    attend = "Q{i} & K & V --> O{i}[Attention {i}]\n" + JOINED
    text = members('Q{i}(["Q{i} : f32[..., T, D]"])\n' + attend) + CONCATENATE
    text += 'K(["K : f32[..., M, D]"])\nV(["V : f32[..., M, D]"])\n'
    q, k, v = normal(0, B, n, T, 4), normal(1, B, 5, 4), normal(2, B, 5, 4)
    parts = [attention(*wide(q[:, i], k, v), 0.5) for i in range(n)]
    assert is_fused(check(text, {"Q": q, "K": k, "V": v}, np.concatenate(parts, axis=-1)))


def test_what_is_as_wide_as_all_heads_is_split() -> None:
    """Queries by a Linear each; one projection each of keys and values for all."""
    text = X + members("x --> LQ{i}[Linear]\n" + re.sub(r"(L[KV])\{i\}", r"\1", BOXES) + JOINED)
    text += "x --> LK[Linear] & LV[Linear]\n" + CONCATENATE
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"])
    expected = np.concatenate(multi_head(x.astype(float), weights, 4), axis=-1)
    assert is_fused(check(text, {"x": x}, expected, weights, heads=4))


@SIZES
def test_steps_on_heads_in_any_order(n: int) -> None:
    """Functions, a mask with h, a bias for all heads, arithmetic of heads with each other."""
    text = members(
        'Q{i}(Query {i}) --> A{i}[ReLU] --> U{i}["Scale: 1/2"]\nK{i}(Key {i})\nV{i}(Value {i})\n'
        'U{i} & K{i} --> S{i}[MatMul]\nS{i} & bias --> D{i}[Add] --> M{i}["Mask: k <= q + h"]\n'
        'M{i} --> F{i}["Score: s - slope[h] * k"] --> P{i}[Softmax]\nslope --> F{i}\n'
        "P{i} & V{i} --> O{i}[MatMul] --> G{i}[Tanh]\nG{i} & O{i} --> R{i}[Multiply] --> C"
    )
    text += CONCATENATE + 'bias(["bias : f32[..., Lq, Lk]"])\nslope(["slope : f32[N]"])\n'
    q, k, v = normal(0, B, n, T, 4), normal(1, B, n, 5, 4), normal(2, B, n, 5, 6)
    bias, slope = normal(3, B, T, 5), normal(4, n)
    parts = []
    for i in range(n):
        scores = np.maximum(q[:, i].astype(float), 0) / 2 @ np.swapaxes(k[:, i], -1, -2) + bias
        keep = np.arange(5) <= np.arange(T)[:, None] + i
        scores = np.where(keep, scores - slope[i] * np.arange(5), -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        o = weights / weights.sum(-1, keepdims=True) @ v[:, i]
        parts.append(np.tanh(o) * o)
    arrays = {"Q": q, "K": k, "V": v, "bias": bias, "slope": slope}
    assert is_fused(check(text, arrays, np.concatenate(parts, axis=-1)))


def test_a_mask_for_each_head() -> None:
    text = members(
        "Q{i}(Query {i}) & K{i}(Key {i}) --> S{i}[MatMul]\nV{i}(Value {i})\n"
        'S{i} & m{i} --> M{i}[Mask] --> P{i}[Softmax]\nm{i}(["m{i} : bool[Lq, Lk]"])\n'
        "P{i} & V{i} --> O{i}[MatMul] --> C"
    )
    q, k, v = normal(0, B, 3, T, 4), normal(1, B, 3, 5, 4), normal(2, B, 3, 5, 6)
    m = np.random.default_rng(0).integers(0, 2, (3, T, 5)).astype(bool)
    m[..., 0] = True
    parts = [attention(*(a[:, i] for a in wide(q, k, v)), 1, m[i]) for i in range(3)]
    arrays = {"Q": q, "K": k, "V": v, "m": m}
    assert is_fused(check(text + CONCATENATE, arrays, np.concatenate(parts, axis=-1)))


def test_heads_that_were_split_before_are_dealt_out() -> None:
    """`Split Heads` made a part for each of them already."""
    text = X + "x --> q[Linear] --> s[Split Heads]\n"
    text += members("s --> O{i}[Head {i} <br> Attention]\n" + JOINED) + CONCATENATE
    x, weights = normal(0, B, T, E), layers(["q"])
    parts = [head(weights, "q", i, 4, x) for i in range(4)]
    expected = np.concatenate([attention(p, p, p, 1 / np.sqrt(5)) for p in parts], axis=-1)
    assert is_fused(check(text, {"x": x}, expected, weights, heads=4))
    assert codes(text.replace("ON", "O3").replace("Head N", "Head 3"), heads=4) == ["E053"]


def test_values_that_are_as_wide_as_a_row_of_scores_are_split() -> None:
    """Which side of the product they are on tells, not which sizes happen to be equal."""
    text = 'x(["x : f32[T, T]"])\n' + members(
        "x --> LQ{i}[Linear]\nx --> LK{i}[Linear]\n"
        "LQ{i} & LK{i} --> S{i}[MatMul] --> P{i}[Softmax]\n"
        "P{i} & x --> O{i}[MatMul] --> C"
    )
    x, weights = normal(0, 6, 6), layers(["LQ", "LK"], 6, 6)
    parts = []
    for i in range(2):
        q, k = (head(weights, name, i, 2, x.astype(float)) for name in ("LQ", "LK"))
        parts.append(attention(q, k, x[:, 3 * i : 3 * i + 3]))
    expected = np.concatenate(parts, axis=-1)
    assert is_fused(check(text + CONCATENATE, {"x": x}, expected, weights, heads=2))


def test_members_of_several_numbers_do_not_pair() -> None:
    text = (
        X
        + "x --> s[Split Heads]@{ heads: 4 }\n"
        + members('Q{i}(["Q{i} : f32[..., T, E]"]) & s --> S{i}[Add]')
    )
    assert codes(text) == ["E053"]


def test_keys_in_attention_modules_are_matrices() -> None:
    text = members("K{i}(Key {i}) --> A{i}[Attention]")
    assert inputs(compiled(text).drawn)["K"] == "f32[..., N, Lk, D]"


def test_undeclared_members_beside_heads_with_named_batch_dims() -> None:
    text = 'x(["x : f32[B, T, E]"])\n' + members(
        "x --> L{i}[Linear]@{ out: 4 }\nL{i} & g{i}(Gate {i}) --> G{i}[Multiply] --> C"
    )
    text += members("g{i} --> F{i}[ReLU] --> Z[Sum]") + "C[Sum]\n"
    x, g, weights = normal(0, B, T, E), normal(1, B, 3, T, 4), layers(["L"], rows=12)
    each = np.stack([head(weights, "L", i, 3, x.astype(float)) for i in range(3)], axis=1)
    expected = {"C": (each * g).sum(axis=1), "Z": np.maximum(g.astype(float), 0).sum(axis=1)}
    check(text, {"x": x, "g": g}, expected, weights, heads=3)


def test_a_residual_for_each_head_with_named_batch_dims() -> None:
    text = 'x(["x : f32[B, T, E]"])\n' + members("x --> L{i}[Linear]\nL{i} & x --> R{i}[Add] --> C")
    x, weights = normal(0, B, T, E), layers(["L"], rows=3 * E)
    parts = [head(weights, "L", i, 3, x.astype(float)) + x for i in range(3)]
    check(text + "C[Sum]", {"x": x}, sum(parts[1:], parts[0]), weights, heads=3)


def test_batch_dims_that_have_names() -> None:
    """They stay before the axis of the heads."""
    text = 'x(["x : f32[B, T, E]"])\n' + members(LINEAR + BOXES + "O{i} & x --> A{i}[Add] --> C")
    x, weights = normal(0, B, T, E), layers(["LQ", "LK", "LV"])
    expected = np.concatenate(multi_head(x.astype(float), weights, 4), axis=-1) + x
    assert is_fused(check(text + CONCATENATE, {"x": x}, expected, weights, heads=4))
    found = compiled(members('q{i}(["x{i} : f32[B, T, E]"]) --> y{i}[ReLU]'))
    assert inputs(found.drawn) == {"x": "f32[B, N, T, E]"}


def test_rows_one_below_the_other() -> None:
    text = members('x{i}(["x{i} : f32[..., T, E]"]) --> C') + "C[Concatenate]@{ axis: -2 }"
    x = normal(0, B, 4, T, E)
    check(text, {"x": x}, np.concatenate([x[:, i] for i in range(4)], axis=-2))


def test_the_count_of_heads_is_no_length() -> None:
    """N is a size that a type declares: the heads, of the same letter, are counted apart."""
    text = X.replace("T", "N") + members(LINEAR + MODULE + JOINED) + CONCATENATE
    settings = {"N": 64, "LQ__N": 4, "LK__N": 4, "LV__N": 4}
    assert inputs(compiled(text, **settings).drawn)["O.mask"] == "bool[..., 4, N, N]"
    assert inputs(compiled(text, N=64, heads=4).drawn)["O.mask"] == "bool[..., 4, N, N]"
    assert set(codes(text, N=64)) == {"E051"}


def test_subgraphs_of_heads_are_no_part_of_names() -> None:
    """Those around all members are; each head may stand in a subgraph of its own."""
    text = (
        X
        + 'subgraph Heads["All heads"]\n'
        + members('subgraph Frame{i}["Head {i}"]\n' + LINEAR + BOXES + "end")
        + "end\n"
        + members(JOINED)
        + CONCATENATE
    )
    assert set(parameters(compiled(text, heads=4).drawn)) == {
        f"Heads.{name}.{part}" for name in ("LQ", "LK", "LV") for part in ("weight", "bias")
    }


def test_members_that_are_repeated_otherwise_are_no_family() -> None:
    """Each is repeated as its own subgraph says."""
    text = X + 'x --> A1\nx --> A2\nsubgraph F1["First × 2"]\nA1[ReLU] --> B1[Tanh]\nend\n'
    text += 'subgraph F2["Second × 3"]\nA2[ReLU] --> B2[Tanh]\nend\nB1 & B2 --> C[Add]'
    assert operations(compiled(text).drawn).count("tanh") == 5
