"""The third drawing of attention.md: heads 1, 2, … N side by side are one axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import attention, codes, compiled, inputs, normal, operations, parameters

import attn_dsl
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.pipeline import analyse, read

FILE = f"{Path(__file__).parents[2] / 'examples' / 'attention.md'}#3"
X = 'x(["x : f32[T, E]"])\n'


@pytest.mark.parametrize("settings", [{"heads": 4}, {"N": 4}, {"Head.N": 4}])
def test_the_count_is_given_in_any_scope(settings: dict[str, Any]) -> None:
    found = analyse(read(FILE), settings)
    assert inputs(found.drawn)["Head.mask"] == "bool[..., 4, Lq, Lk]"
    assert operations(found.fused).count("tiled_attention") == 1
    assert [remark.fused for remark in found.remarks] == [True]


def test_the_count_has_to_be_given() -> None:
    with pytest.raises(DiagnosticError) as caught:
        analyse(read(FILE))
    (error,) = [d for d in caught.value.diagnostics if d.code.startswith("E")]
    assert error.code == "E051"
    assert "`--set Head.N=8`" in error.help
    assert error.span is not None
    assert error.span.text.startswith("Head1(")


def test_each_projection_owns_one_weight_for_all_heads() -> None:
    found = parameters(analyse(read(FILE), {"heads": 2}).drawn)
    assert list(found) == [
        f"{name}.{part}"
        for name in ("ProjQ", "ProjK", "ProjV", "LinearOut")
        for part in ("weight", "bias")
    ]


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_equals_multi_head_attention(heads: int) -> None:
    """Vaswani et al. 2017, section 3.2.2, with the heads as columns of the projections."""
    kernel = attn_dsl.compile(FILE, settings={"heads": heads})
    width, value_width = 16, 24
    q, k, v = normal(0, 2, 5, width), normal(1, 2, 7, width), normal(2, 2, 7, value_width)
    weights = {}
    for i, (name, type_) in enumerate(kernel.parameters.items()):
        size = value_width if "Dv" in type_ else width
        shape = (size, size) if name.endswith("weight") else (size,)
        weights[name] = normal(10 + i, *shape) / 4

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T.astype(np.float64) + weights[f"{name}.bias"]

    projected = [linear(x, f"Proj{name}") for x, name in ((q, "Q"), (k, "K"), (v, "V"))]
    columns = [np.split(x, heads, axis=-1) for x in projected]
    scale = 1 / math.sqrt(width / heads)
    parts = [attention(*(x[i] for x in columns), scale) for i in range(heads)]
    expected = linear(np.concatenate(parts, axis=-1), "LinearOut")
    np.testing.assert_allclose(kernel.load(weights)(q, k, v), expected, atol=1e-5)


def test_a_mask_for_all_heads_or_for_each() -> None:
    kernel = attn_dsl.compile(f"flowchart TD\n{X}{heads('1', '2')}")
    x, keep = normal(0, 6, 8), np.tril(np.ones((6, 6), bool))
    columns = np.split(x.astype(np.float64), 2, axis=-1)
    for mask in (keep, np.stack([keep, ~keep | np.eye(6, dtype=bool)])):
        each = np.broadcast_to(mask, (2, 6, 6))
        parts = [attention(c, c, c, 0.5, each[i]) for i, c in enumerate(columns)]
        found = kernel(x, **{"Head.mask": mask})
        np.testing.assert_allclose(found, np.concatenate(parts, axis=-1), atol=1e-5)


def heads(*indices: str, after: str = "Head{} --> C[Concatenate]") -> str:
    lines = [f'x --> Head{i}["Head {i} <br> Attention"]\n{after.format(i)}' for i in indices]
    return "\n".join(lines) + "\n"


def test_heads_written_out_need_no_count() -> None:
    found = compiled(X + heads("1", "2", "3"))
    assert inputs(found.drawn)["Head.mask"] == "bool[3, T, T]"
    assert operations(found.fused) == ["split_heads", "tiled_attention", "merge_heads"]


def test_a_width_that_the_heads_do_not_divide() -> None:
    assert codes(X.replace("E]", "10]") + heads("1", "2", "3")) == ["E038"]


def test_heads_that_are_added_see_all_of_x() -> None:
    """Nothing is split for them, and so they are all the same value."""
    assert codes(X + heads("1", "2", after="Head{} --> A[Add]")) == ["E053"]
