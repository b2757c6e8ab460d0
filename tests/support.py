"""Small helpers that several folders share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import settings

from attn_dsl.ir import Graph, Sizes, Statement, TensorType, evaluate, verify
from attn_dsl.ir.ops import Input, Op
from attn_dsl.tensors import numpy_dtype

NDArray = np.ndarray[Any, Any]


def examples(count: int) -> settings:
    """Settings of a property: `count` examples, the same in every run."""
    return settings(max_examples=count, deadline=None, derandomize=True, database=None)


def build(ops: Iterable[tuple[str, Op]], *outputs: str) -> Graph:
    """A graph of named operations, types inferred, ordered as every graph is."""
    types: dict[str, TensorType] = {}
    statements = []
    for name, op in ops:
        types[name] = op.infer(types)
        statements.append(Statement(name, op, types[name]))
    return Graph.ordered("test", statements, [(name, name) for name in outputs])


def draw(graph: Graph, sizes: Sizes, seed: int = 0) -> dict[str, NDArray]:
    """Seeded arrays for all inputs of `graph`: unit-normal, small whole numbers, coin tosses."""
    random = np.random.default_rng(seed)
    arrays: dict[str, NDArray] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        shape, dtype = sizes.shape(statement.type), statement.type.dtype
        array = random.standard_normal(shape) if dtype.is_float else random.integers(0, 2, shape)
        arrays[statement.op.name] = array.astype(numpy_dtype(dtype.numpy))
    return arrays


def same_numbers(graph: Graph, other: Graph, sizes: Sizes) -> None:
    """`other` is well-formed, and gives what `graph` gives."""
    arrays = draw(graph, sizes)
    with np.errstate(all="ignore"):
        found, wanted = evaluate(verify(other), arrays), evaluate(graph, arrays)
    for label, value in wanted.items():
        np.testing.assert_allclose(found[label], value, rtol=1e-9, atol=1e-12)
