"""16-bit floats are stored as they are, and computed with in 32 bits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from attn_dsl.ir import DType, Graph, Statement, TensorType, parse_type
from attn_dsl.ir.ops import Input, TiledScores

NARROW = (DType.F16, DType.BF16)


def computed(graph: Graph) -> Graph:
    """`graph` in the types that it is computed in."""
    return replace(graph, statements=tuple(map(_widened, graph.statements)))


def _widened(statement: Statement) -> Statement:
    op = statement.op
    if isinstance(op, Input):
        op = replace(op, type=str(_wide(parse_type(op.type))))
    if isinstance(op, TiledScores) and op.precision == DType.F32.value:
        op = replace(op, precision="")  # all that was narrower has become that
    return replace(statement, op=op, type=_wide(statement.type))


def _wide(type_: TensorType) -> TensorType:
    return replace(type_, dtype=DType.F32) if type_.dtype in NARROW else type_


def widening(graph: Graph) -> Iterator[str]:
    """Lines that widen the inputs of `graph`, and what its operations own."""
    narrow = [s for s in graph.inputs if s.type.dtype in NARROW]
    if not narrow:
        return
    if name := _bfloat16(graph):
        yield f"bfloat16 = {name}.dtype"
    yield "# 16-bit floats are computed with in 32 bits."
    if any(_is_owned(s) for s in narrow):
        yield "wide = lambda x: x.astype(np.float32) if x.dtype.itemsize == 2 else x"
        yield "parameters = {name: wide(array) for name, array in parameters.items()}"
    for statement in (s for s in narrow if not _is_owned(s)):
        name = statement.name
        if isinstance(statement.op, Input) and statement.op.optional:
            yield f"if {name} is not None:\n    {name} = {name}.astype(np.float32)"
        else:
            yield f"{name} = {name}.astype(np.float32)"


def _is_owned(statement: Statement) -> bool:
    return isinstance(statement.op, Input) and statement.op.parameter


def narrowed(graph: Graph, value: str, text: str) -> str:
    """The output `value`, written `text`, in its own type."""
    dtype = graph.types[value].dtype
    if dtype not in NARROW:
        return text
    if dtype is DType.BF16 and _bfloat16(graph):
        return f"{text}.astype(bfloat16)"
    return f"{text}.astype(np.{dtype.numpy})"


def _bfloat16(graph: Graph) -> str:
    """An input that has the type bf16, which NumPy itself does not know; empty without one."""
    found = (
        f"parameters[{json.dumps(s.op.name)}]" if s.op.parameter else s.name
        for s in graph.inputs
        if s.type.dtype is DType.BF16 and isinstance(s.op, Input) and not s.op.optional
    )
    return next(found, "")
