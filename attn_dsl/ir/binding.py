"""Arrays to arguments: which size each symbol has, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attn_dsl.ir.graph import Graph, Statement
from attn_dsl.ir.ops import Input
from attn_dsl.ir.types import TensorType

NDArray = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sizes:
    """The size of every symbol, and of the batch dims that `...` stands for."""

    symbols: Mapping[str, int] = field(default_factory=dict)
    batch: tuple[int, ...] = ()

    def shape(self, type_: TensorType) -> tuple[int, ...]:
        """The shape of a tensor of `type_`; KeyError names a symbol without a size."""
        dims = tuple(dim.value(self.symbols) for dim in type_.dims)
        return (self.batch if type_.batch else ()) + dims


def bind(graph: Graph, arrays: Mapping[str, Any]) -> Sizes:
    """The sizes at which `arrays` (by input name) fit the graph's inputs.

    Raises ValueError for a missing, unknown or misshapen input, naming it, its shape and the
    shape that it had to have. Dtypes are not looked at.
    """
    names = {_input(s).name for s in graph.inputs}
    if unknown := [name for name in arrays if name not in names]:
        raise ValueError(f"there is no input {unknown[0]!r}; inputs are {', '.join(sorted(names))}")
    needed = [_input(s) for s in graph.inputs if not _input(s).optional or _input(s).required]
    if missing := [op.name for op in needed if op.name not in arrays]:
        raise ValueError(f"input {missing[0]!r} is missing")
    required = [s for s in graph.inputs if not _input(s).optional]
    sizes = Sizes()
    bound_by: dict[str, str] = {}
    for statement in required:
        name = _input(statement).name
        sizes = _bind_one(name, statement.type, np.shape(arrays[name]), sizes, bound_by)
    for statement in required:
        _check_shape(statement, np.shape(arrays[_input(statement).name]), sizes)
    for statement in graph.inputs:
        if _input(statement).optional and _input(statement).name in arrays:
            _check_broadcast(statement, np.shape(arrays[_input(statement).name]), sizes)
    for dim in graph.divided:
        if set(dim.symbols) <= set(sizes.symbols):
            dim.value(sizes.symbols)  # raises, and names the size that cannot be divided
    for statement in graph.statements:
        statement.op.check(graph.types, sizes.symbols)
    return sizes


def _input(statement: Statement) -> Input:
    assert isinstance(statement.op, Input)
    return statement.op


def _bind_one(
    name: str, type_: TensorType, shape: tuple[int, ...], sizes: Sizes, bound_by: dict[str, str]
) -> Sizes:
    """Take the sizes of plain symbols, and of `...`, from one array's shape."""
    rank = len(type_.dims)
    if len(shape) < rank or (len(shape) > rank and not type_.batch):
        wanted = f"{'at least ' if type_.batch else ''}{rank}"
        message = f"input {name!r} is {type_}: it needs {wanted} dims, and has shape {shape}"
        raise ValueError(message)
    batch, dims = shape[: len(shape) - rank], shape[len(shape) - rank :]
    if type_.batch and "..." in bound_by and batch != sizes.batch:
        other = f"those of {bound_by['...']!r} are {sizes.batch}"
        message = f"the batch dims of {name!r} are {batch}, and {other}"
        raise ValueError(message)
    symbols = dict(sizes.symbols)
    for dim, size in zip(type_.dims, dims, strict=True):
        symbol = dim.symbol
        if symbol is None:
            continue
        if symbols.setdefault(symbol, size) != size:
            message = (
                f"input {name!r} is {type_} and has shape {shape}: {symbol} is {size} here, "
                f"{symbols[symbol]} in {bound_by[symbol]!r}"
            )
            raise ValueError(message)
        bound_by.setdefault(symbol, name)
    if type_.batch:
        bound_by.setdefault("...", name)
    return Sizes(symbols, batch if type_.batch else sizes.batch)


def _check_shape(statement: Statement, shape: tuple[int, ...], sizes: Sizes) -> None:
    """Constants, products and sums must come out too."""
    name = _input(statement).name
    wanted = _wanted(statement, sizes)
    if shape != wanted:
        raise ValueError(f"input {name!r} has shape {shape}, and {statement.type} needs {wanted}")


def _wanted(statement: Statement, sizes: Sizes) -> tuple[int, ...]:
    """The shape that an input must have, now that the sizes are known."""
    try:
        return sizes.shape(statement.type)
    except KeyError as error:
        message = f"the size {error.args[0]} of {_input(statement).name!r}"
        raise ValueError(f"{message} does not follow from the inputs' shapes") from None
    except ValueError as error:
        raise ValueError(f"input {_input(statement).name!r} is {statement.type}: {error}") from None


def _check_broadcast(statement: Statement, shape: tuple[int, ...], sizes: Sizes) -> None:
    """An optional input may leave out leading dims, and have 1 where its type has a size."""
    wanted = _wanted(statement, sizes)
    fits = len(shape) <= len(wanted) and all(
        have in (1, want) for have, want in zip(shape[::-1], wanted[::-1], strict=False)
    )
    if not fits:
        name = _input(statement).name
        message = f"input {name!r} has shape {shape}, and must broadcast to {wanted}"
        if len(wanted) > 2 and shape == (wanted[0], wanted[-1]):  # the keys of each batch
            message += f": pass {name}[:, {'None, ' * (len(wanted) - 2)}:]"
        raise ValueError(message)
