"""Layers that are drawn for each member: whose parameters they are, and what they compute."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import NDArray, attention, codes, compiled, normal, operations, parameters, remarked
from members import (
    ATTENTION,
    OPEN,
    QUERY,
    SIZES,
    TOKENS,
    check,
    in_full,
    is_fused,
    layer_norm,
    members,
    wide,
)

B, D, E, T = 3, 8, 4, 6
X = 'x(["x : f32[..., T, D]"])\n'
CONCATENATE = "C[Concatenate]\n"


def linear(weights: dict[str, NDArray], name: str, x: NDArray, i: int = 0, n: int = 1) -> NDArray:
    """The layer of member i of n, whose rows stand one below the other."""
    w, b = wide(weights[f"{name}.weight"], weights[f"{name}.bias"])
    out = len(w) // n
    return x @ w[i * out : (i + 1) * out].T + b[i * out : (i + 1) * out]


def norm(weights: dict[str, NDArray], name: str, x: NDArray, i: int = 0, n: int = 1) -> NDArray:
    """The same for layer norm."""
    gain, bias = wide(weights[f"{name}.weight"], weights[f"{name}.bias"])
    out = len(gain) // n
    return layer_norm(x, gain[i * out : (i + 1) * out], bias[i * out : (i + 1) * out])


def draw(**shapes: tuple[int, ...]) -> dict[str, NDArray]:
    """Parameters by name, `__` for a dot."""
    return {
        name.replace("__", "."): normal(50 + seed, *shape) / np.float32(2)
        for seed, (name, shape) in enumerate(shapes.items())
    }


@SIZES
def test_one_layer_for_an_open_number_of_vectors(n: int) -> None:
    """No member can own weights if only the call tells how many there are; a note says so."""
    text = QUERY + members(
        TOKENS
        + "K{i} --> N{i}[Norm {i}] --> L{i}[Linear {i}]\n"
        + "V{i} --> U{i}[Feed Forward]@{ hidden: 5 }\n"
        + ATTENTION.replace("K{i}", "L{i}").replace("V{i}", "U{i}")
    )
    q, k, v = normal(0, B, D), normal(1, B, n, D), normal(2, B, n, E)
    weights = draw(
        N__weight=(D,),
        N__bias=(D,),
        L__weight=(D, D),
        L__bias=(D,),
        U__up__weight=(5, E),
        U__up__bias=(5,),
        U__down__weight=(E, 5),
        U__down__bias=(E,),
    )
    keys = linear(weights, "L", norm(weights, "N", k.astype(float)))
    values = linear(weights, "U.down", np.maximum(linear(weights, "U.up", v.astype(float)), 0))
    expected = attention(q[:, None].astype(float), keys, values)[:, 0]
    found = check(text, {"Q": q, "K": k, "V": v}, expected, weights)
    assert is_fused(found)
    assert remarked(found) == ["N025", "N025", "N025"]


@pytest.mark.parametrize("n", [2, 5])
def test_a_layer_for_each_vector_that_is_drawn(n: int) -> None:
    """Written out in full, each box owns its parameters, as it would alone."""
    text = QUERY + members(
        TOKENS
        + "K{i} --> N{i}[Norm] --> L{i}[Linear]@{ bias: false }\n"
        + ATTENTION.replace("K{i}", "L{i}"),
        in_full(n),
    )
    q, k, v = normal(0, B, D), normal(1, B, n, D), normal(2, B, n, E)
    weights = draw(N__weight=(n * D,), N__bias=(n * D,), L__weight=(n * D, D))
    with_bias = weights | {"L.bias": np.zeros(n * D, np.float32)}
    keys = [
        linear(with_bias, "L", norm(weights, "N", k[:, i].astype(float), i, n), i, n)
        for i in range(n)
    ]
    expected = attention(q[:, None].astype(float), np.stack(keys, axis=1), v)[:, 0]
    found = check(text, {"Q": q, "K": k, "V": v}, expected, weights)
    assert is_fused(found)
    assert remarked(found) == []


@pytest.mark.parametrize(
    ("n", "is_open"), [(1, True), (2, True), (5, True), (2, False), (5, False)]
)
def test_a_feed_forward_network_for_each(n: int, is_open: bool) -> None:
    """Experts, each with its own weights, on the same x; their mean."""
    text = X + members(
        "x --> F{i}[Feed Forward]@{ hidden: 5 }\nF{i} --> M", OPEN if is_open else in_full(n)
    )
    x = normal(0, B, T, D)
    weights = draw(
        F__up__weight=(n * 5, D),
        F__up__bias=(n * 5,),
        F__down__weight=(n * D, 5),
        F__down__bias=(n * D,),
    )
    up = [np.maximum(linear(weights, "F.up", x.astype(float), i, n), 0) for i in range(n)]
    expected = sum(linear(weights, "F.down", h, i, n) for i, h in enumerate(up)) / n
    assert isinstance(expected, np.ndarray)
    settings = {"F__N": n} if is_open else {}
    found = check(text + "M[Mean]", {"x": x}, expected, weights, **settings)
    assert operations(found.drawn).count("relu") == 1


@SIZES
def test_norms_of_heads(n: int) -> None:
    """On a projection each, before the scores, with gains of their own."""
    text = (
        X
        + members(
            "x --> q{i}[Linear] --> a{i}[Norm]\nx --> k{i}[Linear] --> c{i}[Norm]\n"
            "x --> v{i}[Linear]\n"
            "a{i} & c{i} & v{i} --> H{i}[Attention] --> y{i}[Linear] --> C"
        )
        + CONCATENATE
    )
    width = 10  # a whole number of columns for 1, 2 and 5 heads
    x, d = normal(0, B, T, width), width // n
    names = {
        f"{p}__{part}": ((width, width) if part == "weight" else (width,))
        for p in "qkv"
        for part in ("weight", "bias")
    }
    names |= {f"{p}__{part}": (width,) for p in "ac" for part in ("weight", "bias")}
    weights = draw(**names, y__weight=(n * d, d), y__bias=(n * d,))
    parts = []
    for i in range(n):
        q, k, v = (linear(weights, p, x.astype(float), i, n) for p in "qkv")
        o = attention(norm(weights, "a", q, i, n), norm(weights, "c", k, i, n), v, d**-0.5)
        parts.append(linear(weights, "y", o, i, n))
    found = check(text, {"x": x}, np.concatenate(parts, axis=-1), weights, heads=n)
    assert is_fused(found)


def test_a_norm_of_each_on_one_value() -> None:
    text = X + members("x --> y{i}[Norm] --> C[Sum]")
    x, weights = normal(0, B, T, D), draw(y__weight=(4 * D,), y__bias=(4 * D,))
    expected = sum(norm(weights, "y", x.astype(float), i, 4) for i in range(4))
    assert isinstance(expected, np.ndarray)
    check(text, {"x": x}, expected, weights, heads=4)


@SIZES
def test_vectors_from_one_vector(n: int) -> None:
    text = 'u(["u : f32[..., D]"])\n' + members("u --> y{i}[Linear]@{ out: 3 }")
    u, weights = normal(0, B, D), draw(y__weight=(3 * n, D), y__bias=(3 * n,))
    expected = np.stack([linear(weights, "y", u.astype(float), i, n) for i in range(n)], axis=1)
    check(text, {"u": u}, expected, weights, y__N=n)


def test_a_width_in_the_count() -> None:
    text = X + members('x --> y{i}[Linear]@{ out: "in // N" }\ny{i} --> C[Sum]')
    assert parameters(compiled(text, y__N=4).drawn)["y.weight"] == "f32[D, D]"


@pytest.mark.parametrize("n", [2, 5])
def test_whole_blocks_for_each(n: int) -> None:
    """Multi-head attention of each member, with heads of its own, and what is around it."""
    text = members(
        'x{i}(["x{i} : f32[..., T, D]"]) --> a{i}[Multi-Head Attention]@{ heads: 2 }',
        in_full(n),
    )
    text += members("a{i} & x{i} --> r{i}[Add & Norm] --> C", in_full(n)) + CONCATENATE
    x = normal(0, B, n, T, D)
    names = {
        f"a__{p}__{part}": ((n * D, D) if part == "weight" else (n * D,))
        for p in ("q", "k", "v", "out")
        for part in ("weight", "bias")
    }
    weights = draw(**names, r__norm__weight=(n * D,), r__norm__bias=(n * D,))
    parts = []
    for i in range(n):
        y = x[:, i].astype(float)
        q, k, v = (np.split(linear(weights, f"a.{p}", y, i, n), 2, axis=-1) for p in "qkv")
        heads = [attention(q[h], k[h], v[h], (D / 2) ** -0.5) for h in range(2)]
        o = linear(weights, "a.out", np.concatenate(heads, axis=-1), i, n)
        parts.append(norm(weights, "r.norm", y + o, i, n))
    found = check(text, {"x": x}, np.concatenate(parts, axis=-1), weights)
    assert is_fused(found)


@SIZES
def test_a_block_that_all_members_share(n: int) -> None:
    text = members(
        'x{i}(["x{i} : f32[..., T, D]"]) --> a{i}[Masked Multi-Head Attention]@{ heads: 2 }'
    )
    x = normal(0, B, n, T, D)
    names = {
        f"a__{p}__{part}": ((D, D) if part == "weight" else (D,))
        for p in ("q", "k", "v", "out")
        for part in ("weight", "bias")
    }
    weights = draw(**names)
    q, k, v = (np.split(linear(weights, f"a.{p}", x.astype(float)), 2, axis=-1) for p in "qkv")
    keep = np.tril(np.ones((T, T), bool))
    heads = [attention(q[h], k[h], v[h], (D / 2) ** -0.5, keep) for h in range(2)]
    expected = linear(weights, "a.out", np.concatenate(heads, axis=-1))
    assert is_fused(check(text, {"x": x}, expected, weights))


@SIZES
def test_a_value_from_outside_beside_open_members(n: int) -> None:
    """Where members share their weights, so does what is the same for all of them."""
    text = 'm(["m : f32[..., M, D]"])\n' + members(
        'x{i}(["x{i} : f32[..., T, D]"]) -- Query --> a{i}[Multi-Head Attention]@{ heads: 2 }\n'
        'm -- "Key & Value" --> a{i}'
    )
    x, m = normal(0, B, n, T, D), normal(1, B, 5, D)
    names = {
        f"a__{p}__{part}": ((D, D) if part == "weight" else (D,))
        for p in ("q", "k", "v", "out")
        for part in ("weight", "bias")
    }
    weights = draw(**names)
    sources = zip(
        "qkv", (x.astype(float), m.astype(float)[:, None], m.astype(float)[:, None]), strict=True
    )
    q, k, v = (np.split(linear(weights, f"a.{p}", y), 2, axis=-1) for p, y in sources)
    heads = [attention(q[h], k[h], v[h], (D / 2) ** -0.5) for h in range(2)]
    expected = linear(weights, "a.out", np.concatenate(heads, axis=-1))
    assert is_fused(check(text, {"x": x, "m": m}, expected, weights))


@SIZES
def test_tokens_to_vectors(n: int) -> None:
    """An id each, one table, and the place in the family as the position."""
    text = QUERY + members(
        "t{i}(Token {i}) --> e{i}[Embedding] --> K{i}[Positional Encoding]\n"
        "K{i} --> V{i}[Linear]@{ out: 4 }\n" + ATTENTION
    )
    text = text.replace("Q(Query)", 'Q(["Q : f32[..., d_model]"])')
    ids, q = np.random.default_rng(0).integers(0, 9, (B, n)), normal(0, B, D)
    weights = draw(e__weight=(9, D), V__weight=(4, D), V__bias=(4,))
    at, column = np.arange(n)[:, None], np.arange(D)
    angle = at / 10000 ** ((column - column % 2) / D)
    keys = weights["e.weight"][ids] + np.where(column % 2, np.cos(angle), np.sin(angle))
    expected = attention(q[:, None].astype(float), keys, linear(weights, "V", keys))[:, 0]
    assert is_fused(check(text, {"Q": q, "t": ids}, expected, weights))


def test_members_that_have_their_type_from_another_use() -> None:
    text = members(
        "V{i}(Value {i}) & g{i}(Gate {i}) --> X{i}[Multiply] --> O[Sum]\n"
        "g{i} --> F{i}[Feed Forward]@{ hidden: 3 }\nF{i} --> P[Sum]"
    )
    v, g = normal(0, B, 5, E), normal(1, B, 5, E)
    weights = draw(
        F__up__weight=(3, E), F__up__bias=(3,), F__down__weight=(E, 3), F__down__bias=(E,)
    )
    hidden = np.maximum(linear(weights, "F.up", g.astype(float)), 0)
    expected = {
        "O": (v.astype(float) * g).sum(axis=1),
        "P": linear(weights, "F.down", hidden).sum(axis=1),
    }
    check(text, {"V": v, "g": g}, expected, weights)


def test_metadata_that_differs() -> None:
    """Boxes of other widths are no family; looks do not count."""
    text = (
        X + "x --> L1[Linear]@{ out: 3 }\nx --> L2[Linear]@{ out: 4 }\nL1 & L2 --> C[Concatenate]"
    )
    assert parameters(compiled(text).drawn)["L2.weight"] == "f32[4, D]"
    text = X + "x --> L1[Linear]@{ shape: circle }\nx --> L2[Linear]@{ w: 60 }\n"
    text += "L1 & L2 --> C[Concatenate]"
    assert parameters(compiled(text).drawn)["L.weight"] == "f32[D, D]"


def test_what_no_member_can_own() -> None:
    tokens = members('t{i}(["t{i} : i64[...]"]) --> e{i}[Embedding] --> C[Sum]', in_full(3))
    assert codes(tokens) == ["E053"]
    assert codes(X + members("x --> y{i}[Linear] --> C[Sum]")) == ["E051"]
    assert codes(members("K{i}(Key {i}) --> S{i}[Sum] --> L{i}[Linear]")) == ["E053"]


def test_softmax_in_a_module_is_of_one_member() -> None:
    """A member that is a number there is no row of numbers."""
    text = members('x{i}(["x{i} : f32[..., D]"]) --> a{i}[Attention]', in_full(2))
    assert set(codes(text)) == {"E053"}
