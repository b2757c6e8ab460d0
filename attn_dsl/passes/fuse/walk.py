"""From the weights up to the product that made the scores, and down to the one that spends them."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.expr import MAX_NESTING, SCORE, Expr, depth, walk
from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Cast, Identity, Input, MatMul, Pointwise, is_wider
from attn_dsl.passes.fuse.compose import Composed, compose
from attn_dsl.rewrite import NoMatch, only_user

MAX_NODES = 1000
"""Of all steps together: a step that mentions its score twice doubles what comes before it."""


@dataclass(frozen=True)
class ScoreStep:
    """An operation between the products, and what it makes of one score `s`."""

    statement: Statement
    expr: Expr


@dataclass(frozen=True)
class Walk:
    """The product that made the scores, and the steps on single scores, first one first."""

    product: Statement
    steps: tuple[ScoreStep, ...] = ()

    @property
    def query(self) -> str:
        """The query, with a row for each row of the scores."""
        assert isinstance(self.product.op, MatMul)
        return self.product.op.lhs

    @property
    def key(self) -> str:
        """The key, transposed."""
        assert isinstance(self.product.op, MatMul)
        return self.product.op.rhs

    @property
    def precision(self) -> str:
        """The element type that the scores were cast to; empty if it is that of the query."""
        last = self.steps[-1].statement if self.steps else self.product
        dtype = last.type.dtype
        return "" if dtype is self.product.type.dtype else dtype.value

    def heads(self, graph: Graph) -> Dim:
        """How many heads the query has."""
        dims = graph.types[self.query].dims
        return dims[-3] if len(dims) > 2 else ONE

    def composed(self, hidden: float) -> Composed:
        """The steps as one; a score that the mask hides is `hidden`."""
        return compose([(step.statement.op, step.expr) for step in self.steps], hidden)


@dataclass(frozen=True)
class Room:
    """How large what comes before may be, so that the composed steps are no larger than that.

    `depth` counts nodes within one another, `nodes` all of them; what comes after mentions the
    score `copies` times.
    """

    depth: int = MAX_NESTING
    nodes: int = MAX_NODES
    copies: int = 1

    def after(self, expr: Expr) -> Room:
        """The room that `expr` leaves."""
        nodes = list(walk(expr))
        left = self.nodes - self.copies * len(nodes)
        return Room(self.depth - depth(expr), left, self.copies * nodes.count(SCORE))


def walk_up(graph: Graph, statement: Statement, room: Room = Room()) -> Walk:
    """From `statement` up to the product that made its scores, which nothing else may use."""
    if room.depth < 0:
        raise NoMatch(f"the steps before it nest more than {MAX_NESTING} deep", statement)
    if room.nodes < 0:
        raise NoMatch(f"the steps before it have more than {MAX_NODES} parts in all", statement)
    if isinstance(statement.op, MatMul):
        return Walk(statement)
    failure: NoMatch | None = None
    for operand, expr in steps_to(graph, statement):
        source = graph.table[operand]
        try:
            only_user(graph, source)
            before = walk_up(graph, source, room.after(expr))
        except NoMatch as no:
            failure = failure or no
            continue
        if source.type == statement.type or _widens(source, statement):
            return Walk(before.product, (*before.steps, ScoreStep(statement, expr)))
        old, new = source.type, statement.type
        if isinstance(statement.op, Cast):
            reason = f"it narrows the scores from {old.dtype.value} to {new.dtype.value}"
        else:
            reason = f"it widens the scores {old} to {new}"
        failure = NoMatch(reason, statement)
    raise failure or NoMatch(_nothing_before(statement), statement)


def _nothing_before(statement: Statement) -> str:
    op = statement.op
    if isinstance(op, Pointwise) and any(op.as_score(operand) is None for operand in op.operands):
        return "it reads scores at other places, too"
    return "its scores do not come from a matrix product"


def _widens(scores: Statement, cast: Statement) -> bool:
    """Whether it gives the scores a wider type, in which all that they were is kept."""
    return isinstance(cast.op, Cast) and is_wider(cast.type.dtype, scores.type.dtype)


def passes_on(statement: Statement) -> bool:
    """Whether it gives the weights that it takes, in any floating-point type."""
    return isinstance(statement.op, Identity) or (
        isinstance(statement.op, Cast) and statement.type.dtype.is_float
    )


def steps_to(graph: Graph, statement: Statement) -> list[tuple[str, Expr]]:
    """The operands that may be the scores of `statement`, and what it makes of each of them."""
    found = []
    for operand in statement.op.operands:
        expr, source = statement.op.as_score(operand), graph.table[operand]
        if expr is not None and not isinstance(source.op, Input) and source.type.dtype.is_float:
            found.append((operand, expr))
    return found


def row_users(graph: Graph, scores: Statement) -> list[Statement]:
    """What takes whole rows of `scores`: a softmax, a log-sum-exp, or one of each."""
    users = graph.users(scores.name)
    kinds = {user.op.mnemonic for user in users[:2]}
    is_pair = len(users) == 2 and kinds == {"log_sum_exp", "softmax"}
    return users if is_pair and not graph.is_output(scores.name) else [only_user(graph, scores)]


def walk_down(graph: Graph, weights: Statement) -> tuple[Statement, list[Statement]]:
    """The product that spends the weights, and what passes them on."""
    user = only_user(graph, weights)
    passed: list[Statement] = []
    while passes_on(user):
        passed.append(user)
        user = only_user(graph, user)
    last = passed[-1] if passed else weights
    if not isinstance(user.op, MatMul):
        raise NoMatch("what uses the weights is no matrix product", user)
    if user.op.lhs != last.name or user.op.rhs == last.name:
        raise NoMatch("the weights are not the left operand of the product", user)
    return user, passed
