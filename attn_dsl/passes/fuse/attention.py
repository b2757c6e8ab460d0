"""softmax(f(q kᵀ)) v  →  tiled_attention(q, k, v), for any f that acts on single scores.

From each softmax the graph is walked up, through the operations that act on single scores, to
the product that made them, and down to the product that spends the weights. What lies between
becomes one score expression and one mask expression. Each condition on the way has its own
wording; one that does not hold leaves the graph as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile

from attn_dsl.expr import INDICES, MAX_NESTING, SCORE, Expr, depth, names_in, tensors_in, walk
from attn_dsl.ir import Graph, Origin, Statement, TypeMismatch
from attn_dsl.ir.ops import Input, MatMul, Pointwise, Scale, Softmax, TiledAttention, Transpose
from attn_dsl.passes.fuse.compose import compose
from attn_dsl.passes.fuse.inline import inline
from attn_dsl.passes.remark import Remark, Rewritten
from attn_dsl.rewrite import NoMatch, fresh_name, only_user, replace_statements

MAX_NODES = 1000
"""Of all steps together: a step that mentions its score twice doubles what comes before it."""


@dataclass(frozen=True)
class ScoreStep:
    """An operation between the products, and what it makes of one score `s`."""

    statement: Statement
    expr: Expr


def fuse_attention(graph: Graph) -> Rewritten:
    """Fuse every softmax that allows it; a remark for each says what happened."""
    remarks: list[Remark] = []
    new: dict[str, Statement] = {}
    for softmax in graph.statements:
        if not isinstance(softmax.op, Softmax):
            continue
        try:
            key, fused = _fuse(graph, softmax)
            new[fused.name] = fused
            if key.name not in graph.table:
                new[key.name] = key
            remarks.append(Remark(fused.name, True, "", fused.origins))
        except NoMatch as no:
            origins = _unique([*softmax.origins, *no.at.origins])
            remarks.append(Remark(softmax.name, False, no.reason, origins))
    fused_graph = replace_statements(graph, new.values()) if new else graph
    return Rewritten(fused_graph, tuple(remarks))


def _fuse(graph: Graph, softmax: Statement) -> tuple[Statement, Statement]:
    """The fused statement for `softmax`, and the key that it takes."""
    assert isinstance(softmax.op, Softmax)
    if softmax.op.axis != -1:
        raise NoMatch(f"it runs over axis {softmax.op.axis}, and not over the keys", softmax)
    steps, scores = _walk_up(graph, graph.table[softmax.op.x])
    spend = _walk_down(graph, softmax)
    assert isinstance(scores.op, MatMul)
    assert isinstance(spend.op, MatMul)
    key = _key(graph, scores.op.rhs)
    composed = compose([(step.statement.op, step.expr) for step in steps])
    op = TiledAttention(
        query=scores.op.lhs,
        key=key.name,
        value=spend.op.rhs,
        scale=composed.scale,
        score=composed.score,
        mask=composed.mask,
    )
    _check_names(op, scores, steps, spend)
    score, in_score = inline(graph, op.score, scores.type, spend.type, MAX_NODES)
    mask, in_mask = inline(graph, op.mask, scores.type, spend.type, MAX_NODES)
    op = replace(op, score=score, mask=mask)
    absorbed = [scores, *in_score, *in_mask, *(s.statement for s in steps), softmax, spend]
    origins = _unique([origin for statement in absorbed for origin in statement.origins])
    try:
        type_ = op.infer({**graph.types, key.name: key.type})
    except TypeMismatch as mismatch:
        raise NoMatch(str(mismatch), softmax) from mismatch
    if type_ != spend.type:
        raise NoMatch(f"the fused result would be {type_}, and not {spend.type}", spend)
    fused = Statement(spend.name, op, type_, origins)
    return key, fused


def _check_names(
    op: TiledAttention, scores: Statement, steps: list[ScoreStep], spend: Statement
) -> None:
    """Names must mean in the fused expressions what they meant, and none may be lost."""
    for step in steps:
        if set(tensors_in(step.expr)) - set(op.captured):
            raise NoMatch("what comes after it makes no use of its scores", step.statement)
    for step in dropwhile(lambda step: isinstance(step.statement.op, Scale), steps):
        factor = step.statement.op
        if isinstance(factor, Scale) and (names := names_in(factor.factor) & {*INDICES, SCORE.id}):
            size = min(names)
            raise NoMatch(f"its factor has a size `{size}`, an index of the scores", step.statement)
    if (names_in(op.score) | names_in(op.mask)) & {"b", "h"}:
        outer = [(s.type.dims[:-2], s.type.batch) for s in (scores, spend)]
        if outer[0] != outer[1]:
            raise NoMatch("its values have batch dims that `b` and `h` do not count", spend)


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


def _walk_up(
    graph: Graph, statement: Statement, room: Room = Room()
) -> tuple[list[ScoreStep], Statement]:
    """The operations on single scores, first one first, and the product before them."""
    if room.depth < 0:
        raise NoMatch(f"the steps before it nest more than {MAX_NESTING} deep", statement)
    if room.nodes < 0:
        raise NoMatch(f"the steps before it have more than {MAX_NODES} parts in all", statement)
    only_user(graph, statement)
    if isinstance(statement.op, MatMul):
        return [], statement
    failure: NoMatch | None = None
    reason = "its scores do not come from a matrix product"
    for operand in statement.op.operands:
        expr = statement.op.as_score(operand)
        source = graph.table[operand]
        if expr is None and isinstance(statement.op, Pointwise):
            reason = "it reads scores at other places, too"
        if expr is None or isinstance(source.op, Input) or not source.type.dtype.is_float:
            continue
        try:
            steps, product = _walk_up(graph, source, room.after(expr))
        except NoMatch as no:
            failure = failure or no
            continue
        if source.type == statement.type:
            return [*steps, ScoreStep(statement, expr)], product
        failure = NoMatch(f"it widens the scores {source.type} to {statement.type}", statement)
    raise failure or NoMatch(reason, statement)


def _walk_down(graph: Graph, softmax: Statement) -> Statement:
    """The product that spends the weights."""
    spend = only_user(graph, softmax)
    if not isinstance(spend.op, MatMul):
        raise NoMatch("what uses the weights is no matrix product", spend)
    if spend.op.lhs != softmax.name or spend.op.rhs == softmax.name:
        raise NoMatch("the weights are not the left operand of the product", spend)
    return spend


def _key(graph: Graph, transposed: str) -> Statement:
    """The key, given keyᵀ: what was transposed, or else the transpose back."""
    statement = graph.table[transposed]
    if isinstance(statement.op, Transpose):
        return graph.table[statement.op.x]
    op = Transpose(transposed)
    return Statement(fresh_name(graph, f"{transposed}_T"), op, op.infer(graph.types))


def _unique(origins: list[Origin]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(origins))
