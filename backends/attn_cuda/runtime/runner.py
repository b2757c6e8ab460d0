"""From arrays to the arguments of a launcher, on any machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from attn_cuda.cxx.unit import Unit, is_optional, make_unit
from attn_cuda.runtime.machine import Machine, Session
from attn_cuda.runtime.tensors import Tensor, check_rows, launcher_strides
from attn_cuda.source.calls import Launcher, make_launcher
from attn_dsl.arrays import dtype_name
from attn_dsl.backend import Program, Runner
from attn_dsl.ir import DType, Graph, Sizes, Statement
from attn_dsl.ir.ops import Input
from attn_dsl.tensors import numpy_dtype

Inputs = Sequence[Tensor | None]


def make_runner(program: Program, machine: Machine) -> Runner:
    """What calls a program on a machine."""
    graph = program.graph
    launcher = make_launcher(make_unit(graph, program.sizes), program.entry)
    types = [graph.types[value] for _, value in graph.outputs]
    dtypes = [numpy_dtype(type_.dtype.numpy) for type_ in types]

    def run(arrays: Mapping[str, Any], sizes: Sizes) -> list[Any]:
        for symbol, size in program.sizes.items():
            if sizes.symbols.get(symbol, size) != size:
                message = f"compiled for {symbol} = {size}, called with {sizes.symbols[symbol]}"
                raise ValueError(message)
        with ExitStack() as cleanup:
            session = machine.session(arrays, cleanup)
            inputs = [_input(session, statement, arrays) for statement in graph.inputs]
            outputs = [
                session.output(sizes.shape(type_), dtype)
                for type_, dtype in zip(types, dtypes, strict=True)
            ]
            _start(session, launcher, graph, inputs, outputs, sizes)
            return session.results()

    return run


def _input(session: Session, statement: Statement, arrays: Mapping[str, Any]) -> Tensor | None:
    """The tensor for an input. Of two inputs of one name the array's dtype chooses."""
    assert isinstance(statement.op, Input)
    name, dtype = statement.op.name, statement.type.dtype
    array = arrays.get(name)
    if array is None:
        return None
    if is_optional(statement) and (dtype_name(array) == "bool") is not (dtype is DType.BOOL):
        return None
    return session.input(name, array, numpy_dtype(dtype.numpy))


def _start(
    session: Session,
    launcher: Launcher,
    graph: Graph,
    inputs: Inputs,
    outputs: Sequence[Tensor],
    sizes: Sizes,
) -> None:
    """One call; for more batch dims than kernels have indices, one for each index of the first."""
    unit = launcher.unit
    if len(sizes.batch) <= len(unit.batch):
        strides = [
            _strides(statement, tensor, statement.name in launcher.by_rows)
            for statement, tensor in zip(unit.graph.inputs, inputs, strict=True)
        ]
        session.start(inputs, strides, outputs, _sizes(unit, sizes))
        return
    inner = replace(sizes, batch=sizes.batch[1:])
    results = [graph.types[value] for _, value in graph.outputs]
    for index in range(sizes.batch[0]):
        part = [
            _part(statement, tensor, sizes, index)
            for statement, tensor in zip(graph.inputs, inputs, strict=True)
        ]
        places = [
            tensor.at(index) if type_.batch else tensor
            for type_, tensor in zip(results, outputs, strict=True)
        ]
        _start(session, launcher, graph, part, places, inner)


def _part(statement: Statement, tensor: Tensor | None, sizes: Sizes, index: int) -> Tensor | None:
    """What an input is for one index of the first batch dim: optional ones may lack the dim."""
    full = len(sizes.shape(statement.type))
    if tensor is None or not statement.type.batch or len(tensor.shape) < full:
        return tensor
    return tensor.at(min(index, tensor.shape[0] - 1))


def _strides(statement: Statement, tensor: Tensor | None, by_rows: bool) -> tuple[int, ...] | None:
    """What the launcher is told of an input: nothing where it has no gaps, or is not there."""
    assert isinstance(statement.op, Input)
    if tensor is None:
        return None
    if by_rows:
        check_rows(statement.op.name, tensor)
    rank, optional = len(statement.type.dims), is_optional(statement)
    return launcher_strides(statement.op.name, tensor, rank, optional=optional)


def _sizes(unit: Unit, sizes: Sizes) -> dict[str, int]:
    """The sizes that are not compiled in, in the launcher's order."""
    batch = (1,) * (len(unit.batch) - len(sizes.batch)) + sizes.batch
    known = {**sizes.symbols, **dict(zip(unit.batch, batch, strict=True))}
    return {symbol: known[symbol] for symbol in unit.runtime}
