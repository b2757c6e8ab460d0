"""Operations that are not fused: a line each."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attn_dsl.expr import INDICES, MINUS_INF, SCORE, names_in, tensors_in
from attn_dsl.ir import Dim, DType, Graph, Statement
from attn_dsl.ir.ops import (
    Cast,
    Concatenate,
    Elementwise,
    Embedding,
    GatherPages,
    Identity,
    Input,
    LayerNorm,
    Linear,
    LogSumExp,
    Mask,
    MatMul,
    MergeHeads,
    Op,
    Pointwise,
    Positions,
    Reduction,
    Relu,
    RepeatHeads,
    Row,
    Scale,
    Score,
    Sigmoid,
    Slice,
    Softmax,
    SplitHeads,
    Tanh,
    Transpose,
    Vector,
)
from attn_numpy.expressions import ArrayPrinter, Arrays, ScalarPrinter, keeps_dtype

ARRAYS = frozenset((*INDICES, SCORE.id))
"""The names that are arrays where whole tensors are."""


def print_plain(graph: Graph, statement: Statement) -> Iterator[str]:
    """The lines that compute `statement`."""
    yield from _index_arrays(graph, statement)
    on_scores = _on_scores(graph, statement)
    owned = {name: spelled(graph.table[name]) for name in statement.op.operands}
    if isinstance(statement.op, Cast):
        dtype = statement.type.dtype.numpy
        yield f"{statement.name} = {owned[statement.op.x]}.astype(np.{dtype}, copy=False)"
        return
    if isinstance(statement.op, Concatenate) and statement.op.spreads(graph.types):
        parts = ", ".join(owned[part] for part in statement.op.parts)
        yield f"{statement.name} = concatenate([{parts}], {statement.op.axis})"
        return
    yield f"{statement.name} = {on_scores or _on_tensors(statement.op.rename(owned))}"


def spelled(statement: Statement) -> str:
    """A value's name; of what an operation owns, where it is found."""
    if isinstance(statement.op, Input) and statement.op.parameter:
        return f"parameters[{json.dumps(statement.op.name)}]"
    return statement.name


def _index_arrays(graph: Graph, statement: Statement) -> Iterator[str]:
    """The index arrays that an expression of scores mentions."""
    names = {n for _, expr in statement.op.fields_of("expression") for n in names_in(expr)}
    axes = {"k": 1, "q": 2, "h": 3, "b": 4}
    for index in sorted(names & set(axes)):
        yield f"{index} = index({_as_large(graph, statement)}, {axes[index]})"


def _as_large(graph: Graph, statement: Statement) -> str:
    """What has the shape of the result: one of the tensors without indices, or all together."""
    if not isinstance(statement.op, Pointwise):
        return statement.op.operands[0]
    whole = tensors_in(statement.op.value, gathered=False)
    shape = statement.type.dims, statement.type.batch
    same = [n for n in whole if (graph.types[n].dims, graph.types[n].batch) == shape]
    return same[0] if same else f"np.broadcast({', '.join(whole)})"


def _on_scores(graph: Graph, statement: Statement) -> str | None:
    """An operation that may capture tensors, or take an optional one."""

    def value(name: str) -> str:
        op = graph.table[name].op
        if isinstance(op, Input) and op.optional:
            absent = "True" if graph.types[name].dtype is DType.BOOL else "0"
            return f"given({name}, {absent})"
        return name

    def over(scores: str) -> ArrayPrinter:
        return ArrayPrinter(Arrays(dtypes, value, ARRAYS, scores))

    dtypes = {name: graph.types[name].dtype for name in statement.op.captured}

    match statement.op:
        case Mask(x, keep):
            return f"np.where({over(x).print(keep)}, {x}, -np.inf)"
        case Score(x, score):
            text = over(x).print(score)
            if SCORE.id not in names_in(score):
                text = f"np.broadcast_to({text}, {x}.shape)"
            return f"np.asarray({text}, {x}.dtype)"
        case Softmax(x, sink=sink) if sink != MINUS_INF:
            return f"softmax_with_sink({x}, {over(x).print(sink)})"
        case LogSumExp(x, axis, sink) if sink != MINUS_INF:
            return f"log_sum_exp({x}, {axis}, {over(x).print(sink)})"
        case Pointwise(expr):
            text = over("").print(expr)
            dtype = statement.type.dtype
            keeps = keeps_dtype(expr, dtypes, dtype, ARRAYS)
            return text if keeps else f"np.asarray({text}, np.{dtype.numpy})"
        case Elementwise(lhs, rhs) as op:
            return f"{value(lhs)} {op.symbol} {value(rhs)}"
    return None


def _on_tensors(op: Op) -> str:
    """An operation on whole tensors."""
    size = ScalarPrinter().print
    match op:
        case MatMul(lhs, rhs):
            return f"{lhs} @ {rhs}"
        case Transpose(x):
            return f"np.swapaxes({x}, -1, -2)"
        case Scale(x, factor):
            return f"{x} * ({size(factor)})"
        case LogSumExp(x, axis):
            return f"log_sum_exp({x}, {axis})"
        case Softmax(x, axis):
            return f"softmax({x}, {axis})"
        case Linear(x, weight, bias):
            return f"{x} @ {weight}.T + {bias}" if bias else f"{x} @ {weight}.T"
        case LayerNorm(x, gain, bias, epsilon):
            return f"layer_norm({x}, {gain}, {bias}, {epsilon})"
        case Embedding(ids, table):
            return f"embedding({ids}, {table})"
        case Positions(x):
            return f"{x} + positions(*{x}.shape[-2:], {x}.dtype)"
        case SplitHeads(x, heads):
            return f"split_heads({x}, {heads})"
        case MergeHeads(x):
            return f"merge_heads({x})"
        case RepeatHeads(x, heads):
            return f"repeat_heads({x}, {size(heads)})"
        case GatherPages(pool, table, axis):
            heads_first = f"np.swapaxes({pool}, -2, -3)" if axis == -3 else pool
            return f"gather_pages({heads_first}, {table})"
        case Concatenate(parts, axis):
            return f"np.concatenate([{', '.join(parts)}], axis={axis})"
        case Slice(x, first, count):
            end = (Dim.from_expr(first) + Dim.from_expr(count)).to_expr()
            return f"{x}[..., {size(first)} : {size(end)}]"
        case Vector(x):
            return f"{x}[..., 0, :]"
        case Row(x, axis):
            return f"{x}[{', '.join(['...', 'None', *[':'] * (-1 - axis)])}]"
        case Reduction(x, axis):
            return f"{x}.{op.mnemonic}(axis={axis})"
        case Relu(x):
            return f"np.maximum({x}, 0)"
        case Sigmoid(x):
            return f"sigmoid({x})"
        case Tanh(x):
            return f"np.tanh({x})"
        case Identity(x):
            return x
    raise NotImplementedError(f"no NumPy for {op.mnemonic}")
