"""Scores that were drawn the other way round: a row for each key, or transposed on the way.

(k qᵀ)ᵀ is q kᵀ, and v softmax(kᵀ q), whose tokens are columns and whose softmax runs down them
(as in Phuong and Hutter, arXiv 2207.09238), is (softmax(qᵀ k) vᵀ)ᵀ. Transposes move up to the
queries and keys, where a kernel reads through them, and down to the result.
"""

from __future__ import annotations

from attn_dsl.expr import Expr, Name, substitute, tensors_in
from attn_dsl.ir import Graph, Statement, TypeMismatch
from attn_dsl.ir.ops import (
    Cast,
    Elementwise,
    Function,
    Identity,
    LogSumExp,
    Mask,
    MatMul,
    Op,
    Scale,
    Score,
    Softmax,
    Transpose,
)
from attn_dsl.passes.fuse.walk import steps_to
from attn_dsl.passes.remark import Rewritten
from attn_dsl.rewrite import Definitions, NoMatch, only_user, replace_statements


def straighten(graph: Graph) -> Rewritten:
    """Give scores a row for each query, where a softmax takes them; what does not match stays."""
    for rule in (_columns, _doubled, _turned, _spent):
        for name in [statement.name for statement in graph.statements]:
            if name in graph.table:
                try:
                    graph = replace_statements(graph, rule(graph, graph.table[name]))
                except (NoMatch, TypeMismatch):
                    continue
    return Rewritten(graph)


def _columns(graph: Graph, rows: Statement) -> list[Statement]:
    """softmax(x), down the columns  →  softmax(xᵀ)ᵀ; a log-sum-exp is a row either way."""
    op = rows.op
    if not isinstance(op, Softmax | LogSumExp) or op.axis != -2:
        raise NoMatch("it does not run down columns", rows)
    made = Definitions(graph)
    turned = _transposed(made, graph, op.x)
    if isinstance(op, LogSumExp):
        made.add(f"{rows.name}_rows", LogSumExp(turned), rows.origins)
    else:
        weights = made.add(f"{rows.name}_T", Softmax(turned), rows.origins)
        made.add(f"{rows.name}_columns", Transpose(weights))
    return made.instead_of(rows)


def _doubled(graph: Graph, transpose: Statement) -> list[Statement]:
    """A transpose of a transpose  →  what that was of."""
    inner = graph.table[transpose.op.x].op if isinstance(transpose.op, Transpose) else None
    if not isinstance(inner, Transpose):
        raise NoMatch("it is no transpose of a transpose", transpose)
    made = Definitions(graph)
    made.add(f"{transpose.name}_same", Identity(inner.x), transpose.origins)
    return made.instead_of(transpose)


def _turned(graph: Graph, transpose: Statement) -> list[Statement]:
    """A transpose on the way to a softmax  →  transposes of queries and keys."""
    if not isinstance(transpose.op, Transpose) or not reaches_rows(graph, transpose):
        raise NoMatch("no softmax takes it", transpose)
    made = Definitions(graph)
    _transposed(made, graph, transpose.op.x)
    return made.instead_of(transpose)


def _spent(graph: Graph, spend: Statement) -> list[Statement]:
    """a pᵀ, where p are the weights of a softmax  →  (p aᵀ)ᵀ."""
    op = spend.op
    turned = graph.table[op.rhs] if isinstance(op, MatMul) else spend
    if not isinstance(op, MatMul) or not isinstance(turned.op, Transpose):
        raise NoMatch("it spends no weights", spend)
    only_user(graph, turned)
    if not isinstance(graph.table[turned.op.x].op, Softmax):
        raise NoMatch("it spends no weights", spend)
    made = Definitions(graph)
    values = _flipped(made, graph, op.lhs)
    product = made.add(f"{spend.name}_T", MatMul(turned.op.x, values), spend.origins)
    made.add(f"{spend.name}_columns", Transpose(product))
    return made.instead_of(spend)


def _transposed(made: Definitions, graph: Graph, name: str) -> str:
    """`name` with its last two axes swapped, up to the product that made it."""
    statement = graph.table[name]
    op = statement.op
    if isinstance(op, Transpose):
        return op.x
    only_user(graph, statement)
    new: Op
    match op:
        case MatMul(lhs, rhs):
            new = MatMul(_flipped(made, graph, rhs), _flipped(made, graph, lhs))
        case Scale(x) | Function(x) | Cast(x):
            new = op.rename({x: _transposed(made, graph, x)})
        case Mask(x, keep):
            new = Mask(_transposed(made, graph, x), _swapped(made, keep, statement))
        case Score(x, value):
            new = Score(_transposed(made, graph, x), _swapped(made, value, statement))
        case Elementwise(lhs, rhs) if lhs != rhs:
            sides = {side: _side(made, graph, side, statement) for side in (lhs, rhs)}
            new = op.rename(sides)
        case _:
            raise NoMatch("its scores do not come from a matrix product", statement)
    return made.add(f"{name}_T", new, statement.origins)


def _side(made: Definitions, graph: Graph, name: str, user: Statement) -> str:
    """One operand of an element-wise operation: scores, or what belongs to them."""
    type_ = graph.types[name]
    if type_ == user.type and _is_product(graph, name):
        return _transposed(made, graph, name)
    if len(type_.dims) == 1:
        raise NoMatch(f"{type_} has an element for each column", user)
    return _flipped(made, graph, name) if type_.dims else name


def _is_product(graph: Graph, name: str) -> bool:
    """Whether a matrix product made these scores."""
    op = graph.table[name].op
    if isinstance(op, MatMul) or len(graph.users(name)) > 1:
        return isinstance(op, MatMul)
    return any(_is_product(graph, operand) for operand, _ in steps_to(graph, graph.table[name]))


def _swapped(made: Definitions, expr: Expr, statement: Statement) -> Expr:
    """`expr` with queries for keys; an element at the score would be another one."""
    for name in tensors_in(expr, gathered=False):
        if made.types[name].dims:
            raise NoMatch(f"{name} is read at the scores", statement)
    return substitute(expr, {"q": Name("k"), "k": Name("q")})


def _flipped(made: Definitions, graph: Graph, name: str) -> str:
    """The transpose, or what this is the transpose of."""
    op = graph.table[name].op
    return op.x if isinstance(op, Transpose) else made.add(f"{name}_T", Transpose(name))


def reaches_rows(graph: Graph, statement: Statement) -> bool:
    """Whether nothing but steps on single scores lies between and a softmax over rows."""
    users = graph.users(statement.name)
    while len(users) == 1 and users[0].op.as_score(statement.name) is not None:
        statement = users[0]
        users = graph.users(statement.name)
    return any(isinstance(u.op, Softmax | LogSumExp) and u.op.axis == -1 for u in users)
