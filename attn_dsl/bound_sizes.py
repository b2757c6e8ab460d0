"""Sizes from arrays of which some may be missing, and from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from attn_dsl.arrays import dtype_name
from attn_dsl.ir import Graph, Sizes, TensorType
from attn_dsl.ir.ops import Input
from attn_dsl.sample import DEFAULT_BATCH
from attn_dsl.semantics import Settings
from attn_dsl.signature import arguments

NDArray = np.ndarray[Any, Any]


def bound_sizes(graph: Graph, settings: Settings, inputs: Mapping[str, NDArray]) -> Sizes:
    """What the given arrays, by input name, and the settings say of the sizes.

    Arrays go before what the file sets. Raises ValueError for an input that does not exist or
    has another dtype, and where `--set` gives a size that an array does not have.
    """
    _check(graph, inputs)
    symbols, batch = dict(settings.dims), DEFAULT_BATCH
    for statement in graph.inputs:
        op, type_ = statement.op, statement.type
        assert isinstance(op, Input)
        if op.name in inputs and not op.optional:
            shape = inputs[op.name].shape
            symbols |= _symbols(op.name, type_, shape, settings)
            batch = shape[: len(shape) - len(type_.dims)] if type_.batch else batch
    return Sizes(symbols, batch if any(s.type.batch for s in graph.inputs) else ())


def _check(graph: Graph, inputs: Mapping[str, NDArray]) -> None:
    known = {argument.name: argument for argument in arguments(graph)}
    for name, array in inputs.items():
        if name not in known:
            raise ValueError(f"there is no input {name!r}; inputs are {', '.join(known)}")
        if (given := dtype_name(array)) not in known[name].dtypes:
            wanted = " or ".join(known[name].dtypes)
            raise ValueError(f"input {name!r} is {given}, and has to be {wanted}")


def _symbols(
    name: str, type_: TensorType, shape: tuple[int, ...], settings: Settings
) -> dict[str, int]:
    """The sizes that are the length of one dim; what else does not fit shows when it is bound."""
    dims = zip(reversed(type_.dims), reversed(shape), strict=False)
    found = {dim.symbol: size for dim, size in dims if dim.symbol}
    for symbol in found.keys() & settings.given:
        if settings.dims[symbol] != found[symbol]:
            told = f"--set {symbol}={settings.dims[symbol]}"
            raise ValueError(f"input {name!r} has {symbol}={found[symbol]}, and {told}")
    return found
