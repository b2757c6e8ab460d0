"""Seeded random inputs, for a run without any."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from attn_dsl.ir import DType, Graph, Sizes, Statement
from attn_dsl.ir.ops import Input
from attn_dsl.semantics import Settings
from attn_dsl.tensors import numpy_dtype

DEFAULT_SIZE = 64
DEFAULT_BATCH = (1, 2)
NDArray = np.ndarray[Any, Any]


def default_sizes(graph: Graph, settings: Settings) -> Sizes:
    """The sizes that the settings give, 64 for every other symbol, 1 × 2 for `...`."""
    symbols = {symbol: settings.dims.get(symbol, DEFAULT_SIZE) for symbol in graph.symbols}
    batch = DEFAULT_BATCH if any(s.type.batch for s in graph.inputs) else ()
    return Sizes(symbols, batch)


def sample_inputs(graph: Graph, sizes: Sizes, seed: int) -> dict[str, NDArray]:
    """Arrays by input name, drawn in the order of the inputs; optional inputs are left out.

    Numbers are unit-normal, weights have standard deviation 1/√fan_in, gains are 1 and biases
    0, integers are ids that rise along the last axis, and a boolean mask keeps four in five.
    Raises MemoryError for more than this machine can hold.
    """
    _check_memory(graph, sizes)
    random = np.random.default_rng(seed)
    arrays: dict[str, NDArray] = {}
    for statement in graph.inputs:
        op = statement.op
        assert isinstance(op, Input)
        if op.name not in arrays and (op.required or not op.optional):
            arrays[op.name] = _draw(random, statement, op, sizes)
    return arrays


def _check_memory(graph: Graph, sizes: Sizes) -> None:
    """Before anything is drawn, as the system may promise memory that it does not have."""
    types = [statement.type for statement in graph.inputs]
    needed = sum(math.prod(sizes.shape(type_)) * type_.dtype.size for type_ in types)
    if needed > _memory():
        raise MemoryError(f"the inputs alone are {needed / 2**30:,.0f} GiB")


def _memory() -> float:
    """The bytes of memory that this machine has, as far as it says so."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _draw(random: np.random.Generator, statement: Statement, op: Input, sizes: Sizes) -> NDArray:
    shape, dtype = sizes.shape(statement.type), statement.type.dtype
    stored = numpy_dtype(dtype.numpy)
    if dtype is DType.BOOL:
        return random.random(shape) < 0.8
    if not dtype.is_float:
        ids = np.asarray(random.integers(0, 4, shape))
        return (np.sort(ids, axis=-1) if shape else ids).astype(stored)
    if op.role in ("gain", "bias"):
        return np.full(shape, op.role == "gain", stored)
    return (random.standard_normal(shape) / math.sqrt(_fan_in(op, shape))).astype(stored)


def _fan_in(op: Input, shape: tuple[int, ...]) -> int:
    """How many numbers are summed: rows of a matrix x is multiplied with, columns of a layer's."""
    if op.role == "weight" and len(shape) > 1:
        return max(1, shape[-2])
    return max(1, shape[-1]) if op.role == "linear" else 1
