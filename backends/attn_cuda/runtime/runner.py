"""From arrays to the launcher's arguments, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from attn_cuda.cxx.unit import MAX_RANK, Unit, is_optional, make_unit
from attn_cuda.runtime.library import Library
from attn_dsl.backend import NDArray, Program, Runner
from attn_dsl.ir import DType, Graph, Sizes, Statement
from attn_dsl.ir.ops import Input


def make_runner(program: Program, library: Library) -> Runner:
    """What calls the launcher of a built program."""
    unit = make_unit(program.graph, program.sizes)

    def run(arrays: Mapping[str, NDArray], sizes: Sizes) -> list[NDArray]:
        for symbol, size in program.sizes.items():
            if sizes.symbols.get(symbol, size) != size:
                message = f"compiled for {symbol} = {size}, called with {sizes.symbols[symbol]}"
                raise ValueError(message)
        if len(sizes.batch) > len(unit.batch):
            return _piecewise(run, program.graph, arrays, sizes)
        outputs = [
            np.empty(sizes.shape(statement.type), _dtype(statement))
            for statement in (program.graph.table[value] for _, value in program.graph.outputs)
        ]
        given = [_argument(statement, arrays) for statement in program.graph.inputs]
        strides = [
            stride
            for statement, array in zip(program.graph.inputs, given, strict=True)
            if is_optional(statement)
            for stride in broadcast_strides(array)
        ]
        library.call(program.entry, given, outputs, [*_sizes(unit, sizes), *strides])
        return outputs

    return run


def _dtype(statement: Statement) -> np.dtype[np.generic]:
    return np.dtype(statement.type.dtype.numpy)


def _argument(statement: Statement, arrays: Mapping[str, NDArray]) -> NDArray | None:
    """The array for an input. Of two inputs of one name the array's dtype chooses."""
    assert isinstance(statement.op, Input)
    array = arrays.get(statement.op.name)
    boolean = statement.type.dtype is DType.BOOL
    if array is None or (is_optional(statement) and (array.dtype == bool) is not boolean):
        return None
    return np.ascontiguousarray(array, _dtype(statement)).reshape(array.shape)


def broadcast_strides(array: NDArray | None) -> tuple[int, ...]:
    """Elements from one to the next along batch, head, row and column; 0 where there is one."""
    if array is None:
        return (0,) * MAX_RANK
    shape = (1,) * (MAX_RANK - array.ndim) + array.shape
    return tuple(
        0 if size == 1 else math.prod(shape[axis + 1 :]) for axis, size in enumerate(shape)
    )


def _sizes(unit: Unit, sizes: Sizes) -> list[int]:
    """The sizes that are not compiled in, in the launcher's order."""
    batch = (1,) * (len(unit.batch) - len(sizes.batch)) + sizes.batch
    known = {**sizes.symbols, **dict(zip(unit.batch, batch, strict=True))}
    return [known[symbol] for symbol in unit.runtime]


def _piecewise(
    run: Runner, graph: Graph, arrays: Mapping[str, NDArray], sizes: Sizes
) -> list[NDArray]:
    """One call for each index of the first batch dim: a kernel has indices for two at most."""
    inner = replace(sizes, batch=sizes.batch[1:])
    types = [graph.types[value] for _, value in graph.outputs]
    results = [np.zeros(sizes.shape(t), np.dtype(t.dtype.numpy)) for t in types]
    for index in range(sizes.batch[0]):
        part = dict(arrays)
        for statement in graph.inputs:
            assert isinstance(statement.op, Input)
            name, full = statement.op.name, len(sizes.shape(statement.type))
            if statement.type.batch and name in arrays and arrays[name].ndim == full:
                part[name] = arrays[name][min(index, len(arrays[name]) - 1)]
        for result, type_, piece in zip(results, types, run(part, inner), strict=True):
            result[index if type_.batch else ...] = piece
    return results
