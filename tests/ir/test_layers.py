"""What layers mean, written out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from layers import OPS, SIZES, heads, layer
from support import NDArray, draw

from attn_dsl.ir import InvalidGraph, evaluate, from_text, to_text, verify


def sinusoids(length: int, width: int) -> NDArray:
    found = np.zeros((length, width))
    for p in range(length):
        for i in range(width):
            angle = p / 10000 ** (i // 2 * 2 / width)
            found[p, i] = np.cos(angle) if i % 2 else np.sin(angle)
    return found


def normal(a: dict[str, NDArray], epsilon: float) -> NDArray:
    mean, variance = a["x"].mean(-1, keepdims=True), a["x"].var(-1, keepdims=True)
    return (a["x"] - mean) / (variance + epsilon) ** 0.5 * a["g"] + a["c"]


def with_sink(x: NDArray, sink: NDArray) -> NDArray:
    """The weights of softmax over the row and its sink, but for that of the sink."""
    column = np.broadcast_to(sink, (*x.shape[:-1], 1))
    weights = np.exp(np.concatenate([x, column], axis=-1))
    return (weights / weights.sum(-1, keepdims=True))[..., :-1]


MEANING: dict[str, Callable[[dict[str, NDArray]], NDArray]] = {
    "linear": lambda a: np.einsum("...e,de->...d", a["x"], a["w"]) + a["a"],
    "linear_without_bias": lambda a: np.einsum("...e,de->...d", a["x"], a["w"]),
    "layer_norm": lambda a: normal(a, 1e-5),
    "layer_norm_epsilon": lambda a: normal(a, 0.5),
    "embedding": lambda a: np.stack([[a["t"][i] for i in row] for row in a["i"]]),
    "embedding_of_long": lambda a: np.stack([a["t"][i] for i in a["j"]]),
    "positions": lambda a: a["x"] + sinusoids(5, 6),
    "positions_odd": lambda a: a["t"] + sinusoids(7, 6),
    "split_heads": lambda a: np.stack([a["x"][..., 2 * h : 2 * h + 2] for h in range(3)], -3),
    "repeat_heads": lambda a: np.stack([a["u"][..., h // 2, :, :] for h in range(6)], -3),
    "repeat_heads_by_a_size_named_as_an_index": lambda a: np.stack(
        [a["v"][h // 2] for h in range(12)]
    ),
    "gather_pages": lambda a: np.stack([np.concatenate([a["v"][i] for i in r]) for r in a["i"]]),
    "gather_pages_of_heads": lambda a: np.concatenate([a["f"][i] for i in a["j"]], 1),
    "gather_pages_before_heads": lambda a: np.stack(
        [np.concatenate([np.swapaxes(a["f"][i], 0, 1) for i in r], 1) for r in a["i"]]
    ),
    "concatenate": lambda a: np.block([a["x"], a["y"]]),
    "concatenate_rows": lambda a: np.concatenate([a["x"], a["y"]], 1),
    "concatenate_itself": lambda a: np.block([a["x"], a["x"]]),
    "concatenate_shared": lambda a: np.stack(
        [np.hstack([np.repeat(a["r"], 5, 0), x]) for x in a["x"]]
    ),
    "concatenate_shared_rows": lambda a: np.stack([np.vstack([x, a["t"], a["r"]]) for x in a["x"]]),
    "slice": lambda a: a["x"][..., 2:5],
    "slice_by_a_size_named_as_an_index": lambda a: a["z"],
    "row": lambda a: np.expand_dims(a["x"], -2),
    "vector": lambda a: a["r"][0],
    "sum": lambda a: np.einsum("...e->...", a["x"]),
    "sum_rows": lambda a: np.einsum("...ne->...e", a["x"]),
    "row_of_all": lambda a: a["x"][:, np.newaxis],
    "column": lambda a: np.stack([a["x"]], axis=-1),
    "mean": lambda a: np.einsum("...e->...", a["x"]) / 6,
    "mean_of_rows": lambda a: np.einsum("...ne->...e", a["x"]) / 5,
    "layer_norm_of_each_row": lambda a: normal(a | {"g": a["e"], "c": a["o"]}, 1e-5),
    "layer_norm_of_one_row": lambda a: normal({"x": a["r"], "g": a["e"], "c": a["o"]}, 1e-5),
    "relu": lambda a: a["x"] * (a["x"] > 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a["x"])),
    "tanh": lambda a: np.tanh(a["x"]),
    "identity": lambda a: a["x"],
    "cast_to_whole": lambda a: np.trunc(a["x"]),
    "cast_to_wider": lambda a: a["x"],
    "cast_to_condition": lambda a: a["x"] != 0,
    "cast_of_ids": lambda a: a["i"],
    "add": lambda a: a["x"] + a["y"],
    "subtract": lambda a: a["x"] * 0,
    "multiply": lambda a: a["g"] * a["x"],
    "divide": lambda a: a["x"] / a["y"],
    "softmax_with_sink": lambda a: with_sink(a["x"], a["g"][:5, None] + 1),
    "softmax_with_equal_sinks": lambda a: with_sink(a["x"], np.zeros(())),
    "log_sum_exp": lambda a: np.log(np.exp(a["x"]).sum(-1)),
    "log_sum_exp_of_rows": lambda a: np.log(np.exp(a["x"]).sum(-2)),
    "log_sum_exp_with_sink": lambda a: np.log(np.exp(a["x"]).sum(-1) + np.exp(a["g"][:5] + 1)),
    "softmax_of_rows": lambda a: np.exp(a["x"]) / np.exp(a["x"]).sum(-2, keepdims=True),
}


@pytest.mark.parametrize("name", OPS)
def test_meaning(name: str) -> None:
    graph = verify(layer(name))
    arrays = draw(graph, SIZES)
    wide = {n: a.astype(np.float64) if a.dtype == np.float32 else a for n, a in arrays.items()}
    found = evaluate(graph, arrays)["out"]
    assert found.shape == SIZES.shape(graph.types["out"])
    np.testing.assert_allclose(found, MEANING[name](wide), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_text_reads_back(name: str) -> None:
    assert from_text(to_text(layer(name))) == layer(name)


def test_ids_outside_of_the_table_give_zeros() -> None:
    graph = layer("embedding")
    arrays = draw(graph, SIZES)
    arrays["i"][:] = [[-1, 7, 100, 0, 6]]
    found = evaluate(graph, arrays)["out"]
    assert not found[:, :3].any()
    np.testing.assert_array_equal(found[0, 3:], arrays["t"][[0, 6]].astype(np.float64))


def test_heads_are_split_and_merged() -> None:
    arrays = draw(heads(), SIZES)
    assert np.array_equal(evaluate(verify(heads()), arrays)["out"], arrays["x"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%o = linear(%n, %x) : f32[N]", "a weight f32.* does not fit"),
        ("%o = layer_norm(%x, %n, %n) : f32[N, 6]", "a gain f32.* does not fit"),
        ("%o = embedding(%x, %x) : f32[N, 6, 6]", "ids are i32 or i64"),
        ("%o = split_heads(%x) {heads=4} : f32[4, N, 1]", "6 columns are not a multiple of 4"),
        ("%o = split_heads(%n) {heads=2} : f32[2, N]", "heads are split from two dims"),
        ("%o = merge_heads(%x) : f32[N, 6]", "heads are merged from three dims"),
        ("%o = concatenate(%x, %n) : f32[N, 6]", "differ in more than axis -1"),
        ("%o = concatenate(%x, %x) {axis=-3} : f32[N, 6]", "concatenation over axis -3"),
        ("%o = sum(%x) {axis=0} : f32[N]", "sum over axis 0"),
        ("%o = mean(%x) {axis=-3} : f32[N]", "mean over axis -3"),
        ("%o = row(%n) {axis=-3} : f32[1, N]", "a new axis -3"),
        ("%o = row(%n) {axis=0} : f32[N, 1]", "a new axis 0"),
        ("%o = vector(%x) : f32[6]", "is no single row"),
        ("%o = positions(%n) : f32[N]", "positions need two dims"),
    ],
)
def test_what_does_not_fit(line: str, message: str) -> None:
    head = """graph "g"
%x = input() {name="x", type="f32[N, 6]"} : f32[N, 6]
%n = input() {name="n", type="f32[N]"} : f32[N]
"""
    with pytest.raises(InvalidGraph, match=message):
        verify(from_text(head + line + '\nreturn "o" = %o\n'))
