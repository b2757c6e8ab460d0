"""What the tests of families share: members drawn from a pattern, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from drawn import NDArray, compiled, operations

from attn_dsl.pipeline import Compiled, build

OPEN = ("1", "2", "N")
"""Indices of a family whose size the call tells."""
TOKENS = "K{i}(Key {i})\nV{i}(Value {i})\n"
QUERY = "Q(Query)\n"
ATTENTION = """Q & K{i} --> S{i}[Dot Product]
S{i} --> W{i}[Softmax]
W{i} & V{i} --> P{i}[Multiply]
P{i} --> O[Sum]
"""
SIZES = pytest.mark.parametrize("n", [1, 2, 5])
"""How many members there are at run time."""


def members(pattern: str, indices: Sequence[str] = OPEN) -> str:
    """`pattern` once for each index, which it calls `{i}`."""
    return "\n".join(pattern.replace("{i}", index) for index in indices) + "\n"


def other_ids(pattern: str, ids: Mapping[str, str]) -> str:
    """The same drawing with other ids."""
    return re.sub(r"\b([A-Z])(?=\{i\}|\b(?! *[\w(]))", lambda m: ids.get(m[1], m[1]), pattern)


def in_full(n: int) -> list[str]:
    """The indices 1 to n."""
    return [str(i + 1) for i in range(n)]


def check(
    text: str,
    arrays: Mapping[str, NDArray],
    expected: Mapping[str, NDArray] | NDArray,
    weights: Mapping[str, NDArray] | None = None,
    **settings: Any,
) -> Compiled:
    """Hold what the NumPy kernel of a drawing gives against `expected`, in float64."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    kernel = build(f"flowchart TD\n{text}", "numpy", named)
    if weights is not None:
        assert set(kernel.parameters) == set(weights)
        kernel.load(dict(weights))
    found = kernel(**arrays)
    if not isinstance(expected, Mapping):
        assert isinstance(found, np.ndarray)
        found, expected = {"": found}, {"": expected}
    assert isinstance(found, dict)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        np.testing.assert_allclose(found[name], value, rtol=2e-5, atol=2e-5, err_msg=name)
    result = compiled(text, **settings)
    no_member_remains(result)
    return result


def no_member_remains(found: Compiled) -> None:
    """However many are drawn, the graph has each operation once, and none called as a member."""
    names = {s.name for s in (*found.drawn.statements, *found.fused.statements)}
    ids = {id for id in found.diagram.nodes if re.fullmatch(r"\w+(\d|[NM])", id)}
    assert not names & {f"{id}{more}" for id in ids for more in ("", "_T", "_row")}


def is_fused(found: Compiled) -> bool:
    """Whether each softmax became part of a tiled attention."""
    ops = operations(found.fused)
    return "tiled_attention" in ops and "softmax" not in ops


def softmax(x: NDArray, axis: int = -1) -> NDArray:
    """Softmax in float64, 0 where all of a row is -inf."""
    with np.errstate(invalid="ignore"):
        weights = np.exp(x - np.where(np.isneginf(m := x.max(axis, keepdims=True)), 0, m))
    total = weights.sum(axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def wide(*arrays: NDArray) -> list[NDArray]:
    """The same in float64."""
    return [array.astype(np.float64) for array in arrays]


def layer_norm(x: NDArray, gain: NDArray, bias: NDArray) -> NDArray:
    """Ba et al. 2016."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + 1e-5) * gain + bias
