"""(softmax(a) - λ softmax(b)) v  →  softmax(a) v - λ softmax(b) v: each weighs the values itself.

So attentions whose weights are added, subtracted or scaled, as in differential attention, fuse
one by one. What passes below the product must not depend on the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attn_dsl.expr import SCORE, Binary, Expr, Name, Unary, names_in, tensors_in
from attn_dsl.ir import Graph, Statement, TensorType, TypeMismatch
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import (
    Add,
    Divide,
    Identity,
    MatMul,
    Multiply,
    Op,
    Pointwise,
    Scale,
    Score,
    Softmax,
    Subtract,
)
from attn_dsl.passes.remark import Rewritten
from attn_dsl.rewrite import Definitions, NoMatch, only_user, replace_statements

Types = Mapping[str, TensorType]


def distribute(graph: Graph) -> Rewritten:
    """Let every softmax that is part of a sum of weights spend its weights itself."""
    new: dict[str, Statement] = {}
    for spend in graph.statements:
        if isinstance(spend.op, MatMul) and not _is_softmax(graph, spend.op.lhs):
            try:
                new |= {s.name: s for s in _distributed(graph, spend, spend.op)}
            except (NoMatch, TypeMismatch):
                continue  # what does not match is right as it is
    return Rewritten(replace_statements(graph, new.values()) if new else graph)


def _is_softmax(graph: Graph, weights: str) -> bool:
    """Whether these are the weights of one softmax as they are."""
    op = graph.table[weights].op
    while isinstance(op, Identity):
        op = graph.table[op.x].op
    return isinstance(op, Softmax)


def _distributed(graph: Graph, spend: Statement, op: MatMul) -> list[Statement]:
    """The products of each softmax, and on them what was done to its weights."""
    made = Definitions(graph)

    def spent(weights: str) -> str:
        """The values that `weights` gives."""
        statement = graph.table[weights]
        only_user(graph, statement)
        if isinstance(statement.op, Softmax):
            new: Op = MatMul(weights, op.rhs)
        else:
            parts = {part: spent(part) for part in _parts(graph, statement, spend.type)}
            new = statement.op.rename(parts)
        return made.add(f"{weights}_{spend.name}", new, (*statement.origins, *spend.origins))

    spent(op.lhs)
    return made.instead_of(spend)


def _parts(graph: Graph, statement: Statement, result: TensorType) -> Iterator[str]:
    """The operands that are weights, of an operation that is linear in them.

    An expression counts batches and heads, so `result` has to have the same.
    """
    op, types, outer = statement.op, graph.types, _outer(result)
    match op:
        case Add(lhs, rhs) | Subtract(lhs, rhs) if lhs != rhs:
            yield from (lhs, rhs)
        case Identity(x) | Scale(x, _):
            yield x
        case Multiply(lhs, rhs) if _has_no_key(types[rhs]):
            yield lhs
        case Multiply(lhs, rhs) if _has_no_key(types[lhs]):
            yield rhs
        case Divide(lhs, rhs) if _has_no_key(types[rhs]):
            yield lhs
        case Score(x, value) if _is_linear(value, types) and _outer(statement.type) == outer:
            yield x
        case Pointwise() if _outer(statement.type) == outer and (x := _weights(statement, types)):
            yield x
        case _:
            raise NoMatch("it is not linear in the weights", statement)


def _weights(statement: Statement, types: Types) -> str:
    """What an expression of elements is linear in; empty if there is no such operand."""
    for x in statement.op.operands:
        value = statement.op.as_score(x) if types[x] == statement.type else None
        if value is not None and _is_linear(value, types):
            return x
    return ""


def _outer(type_: TensorType) -> TensorType:
    return type_.with_dims(*type_.dims[:-2])


def _has_no_key(factor: TensorType) -> bool:
    """Whether a factor of the weights [..., N, M] is the same for all keys."""
    return not factor.dims or factor.dims[-1] == ONE


def _is_linear(value: Expr, types: Types) -> bool:
    """Whether it is `s` times what depends neither on the key nor on `s`."""
    match value:
        case Name("s"):
            return True
        case Unary("-", x):
            return _is_linear(x, types)
        case Binary("*", lhs, rhs) if _is_free(rhs, types):
            return _is_linear(lhs, types)
        case Binary("*", lhs, rhs) if _is_free(lhs, types):
            return _is_linear(rhs, types)
        case Binary("/", lhs, rhs) if _is_free(rhs, types):
            return _is_linear(lhs, types)
    return False


def _is_free(factor: Expr, types: Types) -> bool:
    """Whether it is the same for all keys and scores."""
    elements = (types[name] for name in tensors_in(factor, gathered=False))
    return not names_in(factor) & {"k", SCORE.id} and all(map(_has_no_key, elements))
