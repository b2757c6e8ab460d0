"""The reference: a graph evaluated one operation at a time, in float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from attn_dsl.ir.binding import NDArray, bind
from attn_dsl.ir.graph import Graph, Statement
from attn_dsl.ir.ops import Input
from attn_dsl.ir.types import DType


def evaluate(graph: Graph, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The outputs of `graph` by label, for `arrays` by input name.

    Floating-point arrays are widened to float64 first. Raises ValueError as `bind` does.
    """
    values = evaluate_all(graph, arrays)
    return {label: values[value] for label, value in graph.outputs}


def evaluate_all(graph: Graph, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Every value of `graph` by its own name; for the rest as `evaluate`."""
    sizes = bind(graph, arrays)
    values: dict[str, NDArray] = {}
    for statement in graph.statements:
        if isinstance(statement.op, Input):
            values[statement.name] = _argument(statement, statement.op, arrays)
        else:
            value = statement.op.evaluate(values, sizes.symbols)
            values[statement.name] = np.asarray(value)
    return values


def _argument(statement: Statement, op: Input, arrays: Mapping[str, NDArray]) -> NDArray:
    """The array given for an input, or what an absent optional input reads as."""
    boolean = statement.type.dtype is DType.BOOL
    given = arrays.get(op.name)
    if op.optional and (given is None or (given.dtype == bool) is not boolean):
        return np.asarray(True if boolean else 0.0)
    assert given is not None
    return given.astype(np.float64) if statement.type.dtype.is_float else given
