"""Tensors that a fused operation would only read are computed in it.

`M = q_doc == k_doc` drawn as a box of its own is a matrix; taken into the mask, it is never stored,
and the tiles that it hides are skipped.
"""

from __future__ import annotations

from attn_dsl.expr import (
    INDICES,
    MAX_NESTING,
    Binary,
    Expr,
    Tensor,
    depth,
    has_more_nodes,
    names_in,
    tensors_in,
    transform,
)
from attn_dsl.ir import Dim, DType, Graph, Statement, TensorType
from attn_dsl.ir.ops import Multiply, Pointwise


def inline(
    graph: Graph, expr: Expr, scores: TensorType, result: TensorType, most: int
) -> tuple[Expr, list[Statement]]:
    """`expr`, of one score, with what its tensors are made of; and the statements taken in.

    `result` is the type of the fused operation, whose batch dims `b` and `h` count. What would
    give the expression more than `most` nodes stays a tensor.
    """
    taken: list[Statement] = []
    left = list(tensors_in(expr, gathered=False))
    while left:
        statement = graph.table[left.pop()]
        value = _value(statement)
        if value is None or statement.type.dtype is DType.I32:
            continue  # in 32 bits it may have wrapped around
        if not _counts_alike(value, statement.type, scores, result):
            continue
        larger = _put(expr, Tensor(statement.name), value)
        if not has_more_nodes(larger, most) and depth(larger) <= MAX_NESTING:
            expr = larger
            taken.append(statement)
            left += tensors_in(value, gathered=False)
    return expr, taken


def _value(statement: Statement) -> Expr | None:
    """One element of what `statement` gives, in elements of its operands."""
    match statement.op:
        case Pointwise(value):
            return value
        case Multiply(lhs, rhs) if statement.type.dtype is DType.BOOL:
            return Binary("and", Tensor(lhs), Tensor(rhs))
    return None


def _put(expr: Expr, tensor: Tensor, value: Expr) -> Expr:
    return transform(expr, lambda node: value if node == tensor else node)


def _counts_alike(value: Expr, own: TensorType, scores: TensorType, result: TensorType) -> bool:
    """Whether the indices in `value` run along the same dims in `own` type as beside a score."""
    for axis, index in enumerate(reversed(INDICES), start=1):
        others = (scores,) if index in "qk" else (scores, result)
        if index in names_in(value) and any(_dim(own, axis) != _dim(t, axis) for t in others):
            return False
    return True


def _dim(type_: TensorType, axis: int) -> Dim | int:
    """The dim on this axis from the right; where there is none, which one of `...` it is, or 0."""
    if axis <= len(type_.dims):
        return type_.dims[-axis]
    return axis - len(type_.dims) if type_.batch else 0
