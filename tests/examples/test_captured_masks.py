"""Masks that read captured tensors in many ways give the reference's numbers on both backends."""

from __future__ import annotations

import numpy as np
import pytest

from attn_dsl.ir import Sizes, evaluate
from attn_dsl.pipeline import analyse, load, read
from attn_dsl.sample import sample_inputs

DIAGRAM = """flowchart TD
    Q["Q : f32[B, H, N, D]"] & K["K : f32[B, H, N, D]"] --> S[MatMul]
    S --> M["Mask: {mask}"] --> P[Softmax]
    {inputs}
    P & V["V : f32[B, H, N, D]"] --> O[MatMul]
"""
TYPES = {
    "doc": "i32[B, N]",
    "ids": "i64[N]",
    "time": "f32[B, N]",
    "flag": "bool[H, N]",
    "number": "i32[]",
    "length": "i32[B]",
    "cut": "f32[H]",
    "pad": "bool[B, 1, 1, N]",
    "start": "i32[B, N]",
    "ancestor": "bool[N, N]",
}
MASKS = [
    "time[b, q] >= time[b, k]",
    "time[b, k] < cut[h]",
    "k <= q and k < length[b] * 20",
    "k >= start[b, q] * 30 and k <= q",
    "pad and k <= q and q - k < 70",
    "flag[h, k] or q - k == 0",
    "not flag[h, q] == flag[h, k]",
    "doc[b, q - 5] == doc[b, k + 3]",
    "ids[doc[b, k] * 40] <= ids[q]",
    "k // 16 <= start[b, q // 16]",
    "(q - k) % 64 == 0 and 0 <= q - k",
    "ancestor[q, k] and abs(q - k) < 40",
    "k < q ** 2 // 50 and where(q < 30, True, doc[b, k] != 1)",
    "abs(q % 12 - k % 12) + abs(q // 12 - k // 12) <= 3",
    "k < 0",
    "k < D",
    "k <= 30 * number",
    "k <= 30 * number and doc[b, q] == doc[b, k]",
    "D + 3 < k and k < 5 * D + N",
]
LENGTHS = {"numpy": (1, 200, 1100), "cuda": (1, 70, 200)}
"""Several tiles of each target, and parts of them."""


@pytest.mark.parametrize("target", ["numpy", "cuda"])
@pytest.mark.parametrize("mask", MASKS)
def test_mask(mask: str, target: str) -> None:
    used = {name: type_ for name, type_ in TYPES.items() if name in mask}
    inputs = "\n    ".join(f'{name}["{name} : {type_}"] --> M' for name, type_ in used.items())
    compiled = analyse(read(DIAGRAM.format(mask=mask, inputs=inputs)), {"D": 8})
    kernel = load(compiled, target, emulate=target == "cuda")
    for length in LENGTHS[target]:
        sizes = Sizes({"B": 2, "H": 3, "N": length, "D": 8})
        arrays = sample_inputs(compiled.drawn, sizes, seed=length)
        if "time" in arrays:
            arrays["time"][:, length // 2] = np.nan
            arrays["time"][0, 0] = np.inf
        (expected,) = evaluate(compiled.drawn, arrays).values()
        assert np.abs(kernel(**arrays) - expected).max() <= 1e-5
