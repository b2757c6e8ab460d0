"""softmax(f(q kᵀ)) v  →  tiled_attention(q, k, v), for any f that acts on single scores.

From each softmax the graph is walked up, through the operations that act on single scores, to
the product that made them, and down to the product that spends the weights. What lies between
becomes one score expression and one mask expression. Where no softmax normalizes the weights,
as in sigmoid attention, the walk begins at the product that spends them. Each condition on the
way has its own wording; one that does not hold leaves the graph as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import dropwhile

from attn_dsl.expr import INDICES, MINUS_INF, SCORE, names_in, tensors_in
from attn_dsl.ir import Graph, Origin, Statement, TypeMismatch
from attn_dsl.ir.ops import (
    UNPAGED,
    Cast,
    Identity,
    LogSumExp,
    MatMul,
    Scale,
    Softmax,
    TiledAttention,
    TiledLogSumExp,
    TiledScores,
)
from attn_dsl.passes.fuse.inline import inline
from attn_dsl.passes.fuse.operands import Operand, find_key, find_value, is_key
from attn_dsl.passes.fuse.pages import in_pages
from attn_dsl.passes.fuse.walk import (
    MAX_NODES,
    ScoreStep,
    Walk,
    passes_on,
    row_users,
    steps_to,
    walk_down,
    walk_up,
)
from attn_dsl.passes.remark import Remark, Rewritten
from attn_dsl.rewrite import NoMatch, only_user, replace_statements

Fuse = Callable[[Graph, Statement], tuple[Statement, ...]]


def fuse_attention(graph: Graph) -> Rewritten:
    """Fuse every softmax, and every attention without one, that allows it.

    A remark for each says what happened.
    """
    remarks: list[Remark] = []
    new: dict[str, Statement] = {}
    for statement in graph.statements:
        fuse = _rule(graph, statement)
        if fuse is None:
            continue
        try:
            *before, fused = fuse(graph, statement)
            new |= {made.name: made for made in (*before, fused)}
            remarks.append(Remark(fused.name, True, "", fused.origins))
        except NoMatch as no:
            origins = _unique([*statement.origins, *no.at.origins])
            remarks.append(Remark(statement.name, False, no.reason, origins))
    fused_graph = replace_statements(graph, new.values()) if new else graph
    return Rewritten(fused_graph, tuple(remarks))


def _rule(graph: Graph, statement: Statement) -> Fuse | None:
    """How an attention that ends in `statement` is fused, if it looks like one."""
    match statement.op:
        case Softmax():
            return _softmax
        case LogSumExp():
            return _log_sum_exp
    return _unnormalized if _spends_scores(graph, statement) else None


def _softmax(graph: Graph, softmax: Statement) -> tuple[Statement, ...]:
    """The fused statement for `softmax`, after those that make its operands."""
    walk = _walk_from_rows(graph, softmax)
    spend, passed = walk_down(graph, softmax)
    return _fused(graph, walk, [softmax, *passed], spend)


def _log_sum_exp(graph: Graph, rows: Statement) -> tuple[Statement, ...]:
    """The fused statement for a log-sum-exp; a softmax of the same scores has to fuse as well."""
    assert isinstance(rows.op, LogSumExp)
    walk = _walk_from_rows(graph, rows)
    for user in graph.users(rows.op.x):
        if isinstance(user.op, Softmax):
            _softmax(graph, user)
    (key,) = in_pages(graph, [find_key(graph, walk.key, walk.heads(graph))], walk.query)
    composed = walk.composed(-math.inf)
    op = TiledLogSumExp(
        query=walk.query,
        key=key.name,
        scale=composed.scale,
        score=composed.score,
        mask=composed.mask,
        sink=rows.op.sink,
        grouped=key.grouped,
        precision=walk.precision,
        key_page=key.page,
        page_axis=key.axis,
    )
    return _checked(graph, op, walk, [rows], key)


def _walk_from_rows(graph: Graph, rows: Statement) -> Walk:
    """From what takes rows of scores up to their product."""
    assert isinstance(rows.op, Softmax | LogSumExp)
    scores = graph.table[rows.op.x]
    for user in row_users(graph, scores):
        assert isinstance(user.op, Softmax | LogSumExp)
        if user.op.axis != -1:
            who = "it" if user is rows else "what else takes its scores"
            raise NoMatch(f"{who} runs over axis {user.op.axis}, and not over the keys", user)
    return walk_up(graph, scores)


def _unnormalized(graph: Graph, spend: Statement) -> tuple[Statement, ...]:
    """The fused statement for weights that are functions of single scores."""
    assert isinstance(spend.op, MatMul)
    weights = graph.table[spend.op.lhs]
    passed: list[Statement] = []
    only_user(graph, weights)
    while passes_on(weights):
        passed.insert(0, weights)
        weights = graph.table[weights.op.operands[0]]
        only_user(graph, weights)
    return _fused(graph, walk_up(graph, weights), passed, spend)


def _spends_scores(graph: Graph, spend: Statement) -> bool:
    """Whether it is f(q kᵀ) v, and f more than a factor: products alone stay products."""
    if not isinstance(spend.op, MatMul) or spend.op.lhs == spend.op.rhs:
        return False
    statement, is_changed = graph.table[spend.op.lhs], False
    while not isinstance(statement.op, MatMul):
        steps = steps_to(graph, statement)
        if not steps:
            return False
        is_changed = is_changed or not isinstance(statement.op, Scale | Identity | Cast)
        statement = graph.table[steps[0][0]]
    return is_changed and is_key(graph, statement.op.rhs)


def _fused(
    graph: Graph, walk: Walk, between: list[Statement], spend: Statement
) -> tuple[Statement, ...]:
    """The attention that ends in `spend`, with the softmax that `between` begins with, if any."""
    assert isinstance(spend.op, MatMul)
    softmax = between[0].op if between and isinstance(between[0].op, Softmax) else None
    heads = walk.heads(graph)
    key = find_key(graph, walk.key, heads)
    value = find_value(graph, spend.op.rhs, heads, key)
    key, value = in_pages(graph, [key, value], walk.query)
    composed = walk.composed(-math.inf if softmax else 0.0)
    op = TiledAttention(
        query=walk.query,
        key=key.name,
        value=value.name,
        scale=composed.scale,
        score=composed.score,
        mask=composed.mask,
        sink=softmax.sink if softmax else MINUS_INF,
        normalizer="softmax" if softmax else "none",
        grouped=key.grouped or value.grouped,
        precision=walk.precision,
        key_page=key.page,
        value_page=value.page,
        page_axis=key.axis if key.page != UNPAGED else value.axis,
    )
    return _checked(graph, op, walk, [*between, spend], key, value)


def _checked(
    graph: Graph, op: TiledScores, walk: Walk, rest: list[Statement], key: Operand, *value: Operand
) -> tuple[Statement, ...]:
    """`op` in place of the last of `rest`, after the statements that make its key."""
    last = rest[-1]
    _check_names(op, walk, last)
    rows = walk.product.type
    result = last.type if isinstance(op, TiledAttention) else rows
    score, in_score = inline(graph, op.score, rows, result, MAX_NODES)
    mask, in_mask = inline(graph, op.mask, rows, result, MAX_NODES)
    op = replace(op, score=score, mask=mask)
    steps = (step.statement for step in walk.steps)
    gathered = [s for operand in (key, *value) for s in operand.absorbed]
    absorbed = [*gathered, walk.product, *in_score, *in_mask, *steps, *rest]
    origins = _unique([origin for statement in absorbed for origin in statement.origins])
    try:
        type_ = op.infer({**graph.types, **{s.name: s.type for s in key.new}})
    except TypeMismatch as mismatch:
        raise NoMatch(str(mismatch), rest[0]) from mismatch
    if type_ != last.type:
        raise NoMatch(f"the fused result would be {type_}, and not {last.type}", last)
    return *key.new, Statement(last.name, op, type_, origins)


def _check_names(op: TiledScores, walk: Walk, spend: Statement) -> None:
    """Names must mean in the fused expressions what they meant, and none may be lost."""
    for step in walk.steps:
        if set(tensors_in(step.expr)) - set(op.captured):
            raise NoMatch("what comes after it makes no use of its scores", step.statement)
    for step in dropwhile(_is_factor, walk.steps):
        factor = step.statement.op
        if isinstance(factor, Scale) and (names := names_in(factor.factor) & {*INDICES, SCORE.id}):
            size = min(names)
            raise NoMatch(f"its factor has a size `{size}`, an index of the scores", step.statement)
    counts = (names_in(op.score) | names_in(op.mask) | names_in(op.sink)) & {"b", "h"}
    if counts and isinstance(op, TiledAttention):
        outer = [(s.type.dims[:-2], s.type.batch) for s in (walk.product, spend)]
        if outer[0] != outer[1]:
            raise NoMatch("its values have batch dims that `b` and `h` do not count", spend)


def _is_factor(step: ScoreStep) -> bool:
    """Whether it is part of the scale, with which sizes are multiplied before any index is."""
    return isinstance(step.statement.op, Scale) or step.expr == SCORE


def _unique(origins: list[Origin]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(origins))
