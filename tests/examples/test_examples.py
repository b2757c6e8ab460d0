"""Every example on every backend, against the float64 reference of the graph as drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attn_dsl
from attn_dsl.ir import Graph, Sizes, evaluate
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.sample import sample_inputs

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTES = EXAMPLES / "attention.md"
FILES = [*sorted(EXAMPLES.glob("*.attn")), f"{NOTES}#1", f"{NOTES}#2"]
TARGETS = ["numpy", "cuda"]
LENGTHS = [(1, 1), (7, 7), (63, 65), (65, 63), (130, 130), (130, 7), (1, 130)]
HEAD = {"D": 40, "E": 24, "Dv": 24}
TOLERANCE = 1e-5
NDArray = np.ndarray[Any, Any]


@cache
def compiled(file: Path | str) -> Compiled:
    return analyse(read(file), {s: HEAD[s] for s in HEAD if s in analyse(read(file)).fused.symbols})


@cache
def kernel(file: Path | str, target: str) -> attn_dsl.Kernel:
    return load(compiled(file), target, emulate=target == "cuda")


def sizes(graph: Graph, queries: int, keys: int) -> Sizes:
    symbols = {"B": 2, "H": 3, "N": queries, "Lq": queries, "M": keys, "Lk": keys, **HEAD}
    return Sizes({s: symbols[s] for s in graph.symbols}, (2, 3))


def optional_masks(graph: Graph, at: Sizes) -> Iterator[dict[str, NDArray]]:
    """No mask; and if there is an optional one, some of each kind, rows without a key too."""
    yield {}
    optional = [s for s in graph.inputs if s.op.optional]  # type: ignore[attr-defined]
    if optional:
        random = np.random.default_rng(7)
        name = optional[0].op.name  # type: ignore[attr-defined]
        shape = at.shape(optional[0].type)
        keep = random.random(shape) < 0.6
        keep[..., 0, :] = False
        yield {name: keep}
        yield {name: random.random(shape[-1:]) < 0.7}
        yield {name: random.standard_normal((shape[-3], 1, shape[-1])).astype(np.float32)}


def check(file: Path | str, target: str, arrays: Mapping[str, NDArray]) -> None:
    reference = evaluate(compiled(file).drawn, arrays)
    outputs = kernel(file, target)(**arrays)
    ((_, expected),) = reference.items()
    assert outputs.dtype == np.float32
    assert outputs.shape == expected.shape
    assert np.max(np.abs(outputs - expected), initial=0) <= TOLERANCE


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).name)
def test_example(file: Path | str, target: str) -> None:
    graph = compiled(file).drawn
    for queries, keys in LENGTHS:
        at = sizes(graph, queries, keys)
        arrays = sample_inputs(graph, at, seed=queries * 1000 + keys)
        for mask in optional_masks(graph, at):
            check(file, target, arrays | mask)


@pytest.mark.parametrize("target", TARGETS)
def test_rows_without_a_key_give_zero(target: str) -> None:
    file = EXAMPLES / "cross_attention.attn"
    graph = compiled(file).drawn
    arrays = sample_inputs(graph, sizes(graph, 65, 70), seed=0)
    arrays["padding"] = np.zeros_like(arrays["padding"])
    assert not kernel(file, target)(**arrays).any()


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).name)
def test_example_fuses(file: Path | str) -> None:
    """One attention, and no softmax left."""
    found = compiled(file)
    assert [remark.fused for remark in found.remarks] == [True]
    mnemonics = [s.op.mnemonic for s in found.fused.statements]
    assert mnemonics.count("tiled_attention") == 1
    assert "softmax" not in mnemonics


def test_the_scaled_picture_is_the_paper_s_formula() -> None:
    """softmax(Q Kᵀ / √d) V, computed here directly."""
    file = EXAMPLES / "scaled_dot_product_attention.attn"
    random = np.random.default_rng(0)
    q, k, v = (random.standard_normal((2, 3, 9, HEAD["D"])) for _ in range(3))
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(HEAD["D"])
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    (result,) = evaluate(compiled(file).drawn, {"Q": q, "K": k, "V": v}).values()
    np.testing.assert_allclose(result, weights @ v, atol=1e-12)


def test_block_2_lists_its_five_operations_with_their_lines() -> None:
    file = f"{EXAMPLES / 'attention.md'}#2"
    text = load(compiled(file), "numpy").explain()
    assert "fused: 1 attention" in text
    assert "absorbed 5 operations" in text
    lines = Path(EXAMPLES / "attention.md").read_text(encoding="utf-8").splitlines()
    labels = ("MatMul(Matrix", "Scale(Scale", "|Optional Mask|", "Softmax(Softmax)", "MatMul2(M")
    for label in labels:
        number = next(i for i, line in enumerate(lines, start=1) if label in line)
        assert f"line {number} " in text
