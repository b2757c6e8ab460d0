"""Every attention variant fuses, and gives the reference's numbers on both backends."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support import NDArray

import attn_dsl
from attn_dsl.ir import Graph, Sizes, evaluate
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.sample import sample_inputs

VARIANTS = sorted((Path(__file__).parents[2] / "examples" / "variants").glob("*.attn"))
LENGTHS = [1, 7, 65, 130]
SIZES = {"B": 2, "H": 3, "D": 24, "E": 16, "R": 40, "P": 5, "S": 3}
GROUPED = {"H": 4, "G": 2}


@cache
def compiled(file: Path) -> Compiled:
    symbols = analyse(read(file)).drawn.symbols
    return analyse(read(file), {dim: SIZES[dim] for dim in ("D", "E", "R") if dim in symbols})


@cache
def kernel(file: Path, target: str) -> attn_dsl.Kernel:
    return load(compiled(file), target, emulate=target == "cuda")


def sizes(graph: Graph, length: int) -> Sizes:
    varying = {"N": length, "M": 2 * length - 1, "J": length // 2 + 1}
    symbols = SIZES | (GROUPED if "G" in graph.symbols else {}) | varying
    return Sizes({symbol: symbols[symbol] for symbol in graph.symbols})


def inputs(graph: Graph, length: int) -> dict[str, NDArray]:
    """Random ones; how many keys a sequence has is anything up to all, and a bit more."""
    arrays = sample_inputs(graph, sizes(graph, length), seed=length)
    if "length" in arrays:
        random = np.random.default_rng(length)
        arrays["length"] = random.integers(0, 2 * length, arrays["length"].shape, np.int32)
    return arrays


@pytest.mark.parametrize("target", ["numpy", "cuda"])
@pytest.mark.parametrize("file", VARIANTS, ids=lambda file: file.stem)
def test_variant(file: Path, target: str) -> None:
    graph = compiled(file).drawn
    for length in LENGTHS:
        arrays = inputs(graph, length)
        expected = evaluate(graph, arrays)
        found = kernel(file, target)(**arrays)
        for name, wanted in expected.items():
            np.testing.assert_allclose(
                found if len(expected) == 1 else found[name], wanted, atol=1e-5
            )


@pytest.mark.parametrize("file", VARIANTS, ids=lambda file: file.stem)
def test_variant_fuses(file: Path) -> None:
    assert {remark.fused for remark in compiled(file).remarks} == {True}


def test_there_are_many() -> None:
    assert len(VARIANTS) >= 30


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_a_comparison_with_nan_keeps_nothing(target: str) -> None:
    text = """flowchart TD
        Q["Q : f32[N, D]"] & K["K : f32[N, D]"] --> S[MatMul] --> M["Mask: w[k] > 0"] --> P[Softmax]
        w["w : f32[N]"] --> M
        P & V["V : f32[N, D]"] --> O[MatMul]
    """
    compiled = analyse(read(text), {"D": 4})
    arrays = sample_inputs(compiled.drawn, Sizes({"N": 9, "D": 4}), seed=0)
    arrays["w"][3] = np.nan
    (expected,) = evaluate(compiled.drawn, arrays).values()
    found = load(compiled, target, emulate=target == "cuda")(**arrays)
    assert np.abs(found - expected).max() <= 1e-5
