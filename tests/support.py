"""Small helpers that several folders share."""

from __future__ import annotations

from typing import Any

import numpy as np

from attn_dsl.ir import Graph, Sizes
from attn_dsl.ir.ops import Input

NDArray = np.ndarray[Any, Any]


def draw(graph: Graph, sizes: Sizes, seed: int = 0) -> dict[str, NDArray]:
    """Seeded arrays for all inputs of `graph`: unit-normal, small whole numbers, coin tosses."""
    random = np.random.default_rng(seed)
    arrays: dict[str, NDArray] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        shape, dtype = sizes.shape(statement.type), statement.type.dtype
        if dtype.is_float:
            array = random.standard_normal(shape)
        else:
            array = random.integers(0, 2, shape)
        arrays[statement.op.name] = array.astype(dtype.numpy)
    return arrays
