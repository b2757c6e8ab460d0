"""The first drawing of attention.md: a query, keys 1, 2, … N, and one weighted sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import attention, body, compiled, inputs, normal, operations, remarked

import attn_dsl
from attn_dsl.ir import to_text
from attn_dsl.pipeline import Compiled, analyse, read

FILE = f"{Path(__file__).parents[2] / 'examples' / 'attention.md'}#1"


def per_token(*indices: str) -> str:
    """The same picture with these keys and values."""
    members = [
        f"K{i}(Key {i})\nV{i}(Value {i})\nS{i}(Score {i})\nWV{i}(Weighted Value {i})"
        for i in indices
    ]
    weights = ['subgraph "Weights (via Softmax)"', *(f"W{i}(Weight {i})" for i in indices), "end"]
    arrows = [
        f'Q -- "Similarity(Q, K{i})" --> S{i} --> W{i} -- Multiply --> WV{i} -- Sum --> O\n'
        f"V{i} --> WV{i}"
        for i in indices
    ]
    return "\n".join(["Q(Query)", *members, *weights, *arrows])


@pytest.fixture(scope="module")
def drawing() -> Compiled:
    return analyse(read(FILE))


def test_inputs_are_vectors_and_families(drawing: Compiled) -> None:
    assert inputs(drawing.drawn) == {
        "Q": "f32[..., D]",
        "K": "f32[..., N, D]",
        "V": "f32[..., N, Dv]",
    }


def test_it_fuses_to_one_attention_with_scale_1(drawing: Compiled) -> None:
    assert operations(drawing.fused) == ["row", "tiled_attention", "vector"]
    fused = body(drawing.fused)[1]  # with no scale and no mask
    assert fused == "%O_row = tiled_attention(%Q_row, %K, %V) : f32[..., 1, Dv]"
    assert [remark.fused for remark in drawing.remarks] == [True]


def test_nothing_is_left_of_single_members(drawing: Compiled) -> None:
    drawn = [s.name for s in drawing.drawn.statements]
    assert not [name for name in drawn if name.endswith(("1", "2", "N"))]


def test_nothing_is_left_to_be_remarked(drawing: Compiled) -> None:
    assert remarked(drawing) == []


def test_one_kernel_serves_every_number_of_tokens() -> None:
    kernel = attn_dsl.compile(FILE)
    for n in (1, 2, 50):
        q, k, v = normal(n, 3, 16), normal(n + 1, 3, n, 16), normal(n + 2, 3, n, 5)
        expected = attention(q[:, None].astype(float), k, v)[:, 0]
        np.testing.assert_allclose(kernel(Q=q, K=k, V=v), expected, atol=1e-5)


@pytest.mark.parametrize("count", [2, 4, 12])
def test_written_out_in_full(drawing: Compiled, count: int) -> None:
    """The size is that of the drawing; everything else is the same."""
    full = compiled(per_token(*map(str, range(1, count + 1))))
    renamed = to_text(drawing.fused).replace("[..., N,", f"[..., {count},").splitlines()[1:]
    assert to_text(full.fused).splitlines()[1:] == renamed


def test_as_many_arrays_as_are_drawn() -> None:
    kernel = attn_dsl.compile("flowchart TD\n" + per_token("1", "2", "3", "4"))
    q, k, v = normal(0, 8), normal(1, 4, 8), normal(2, 4, 3)
    np.testing.assert_allclose(kernel(q, k, v), attention(q[None], k, v)[0], atol=1e-5)
    with pytest.raises(ValueError, match="'K' has shape"):
        kernel(q, k[:3], v)


def test_a_letter_makes_the_drawn_members_samples() -> None:
    for indices in (("1", "N"), ("1", "2", "3", "N")):
        assert inputs(compiled(per_token(*indices)).drawn)["K"] == "f32[..., N, D]"
    assert inputs(compiled(per_token("1", "2", "T")).drawn)["K"] == "f32[..., T, D]"


def test_weights_without_a_softmax_are_not_attention() -> None:
    """The title alone says Softmax: with another title the weights are the scores themselves."""
    plain = compiled(per_token("1", "2", "N").replace("(via Softmax)", "of each"))
    assert operations(plain.fused) == ["row", "transpose", "matmul", "matmul", "vector"]
    assert plain.remarks == ()
