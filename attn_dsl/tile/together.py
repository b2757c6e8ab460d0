"""Which statements one kernel computes together: an attention and the log-sum-exp of its scores."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import TiledAttention, TiledLogSumExp, TiledScores


def together(graph: Graph) -> list[tuple[Statement, ...]]:
    """All statements in an order in which they can be computed.

    An attention that has a log-sum-exp of the same scores beside it comes as a pair with it,
    unless the one depends on the other.
    """
    partners = _partners(graph)
    groups: list[tuple[Statement, ...]] = []
    done: set[str] = set()
    stack = [(statement.name, False) for statement in reversed(graph.statements)]
    while stack:
        name, is_complete = stack.pop()
        if name in done:
            continue
        group = _group(graph, name, partners)
        if is_complete:
            groups.append(group)
            done |= {statement.name for statement in group}
            continue
        stack.append((name, True))
        operands = [o for statement in group for o in statement.op.operands if o not in done]
        stack += [(operand, False) for operand in reversed(operands)]
    return groups


def _group(graph: Graph, name: str, partners: Mapping[str, str]) -> tuple[Statement, ...]:
    """The statement called `name`, with its partner: the attention first."""
    pair = [graph.table[n] for n in (name, partners.get(name, name))]
    pair.sort(key=lambda statement: isinstance(statement.op, TiledLogSumExp))
    return tuple(dict.fromkeys(pair)) if name in partners else (graph.table[name],)


def _partners(graph: Graph) -> dict[str, str]:
    """Attentions and log-sum-exps of the same scores, by name, both ways."""
    found: dict[str, str] = {}
    attentions = {
        _scores(s.op): s.name
        for s in graph.statements
        if isinstance(s.op, TiledAttention) and s.op.normalizer == "softmax"
    }
    for statement in graph.statements:
        if isinstance(statement.op, TiledLogSumExp):
            attention = attentions.get(_scores(statement.op), "")
            if attention not in found and _go_together(graph, attention, statement):
                found |= {attention: statement.name, statement.name: attention}
    return found


def _go_together(graph: Graph, attention: str, rows: Statement) -> bool:
    """Whether both have the same heads, and neither needs the other."""
    if not attention:
        return False
    type_ = graph.types[attention]
    heads = type_.with_dims(*type_.dims[:-2]) == rows.type.with_dims(*rows.type.dims[:-1])
    return heads and not _depends(graph, attention, rows.name)


def _scores(op: TiledScores) -> tuple[object, ...]:
    """What the scores and their sum are made of."""
    return op.query, op.read[0], op.scale, op.score, op.mask, op.sink, op.precision


def _depends(graph: Graph, value: str, other: str) -> bool:
    """Whether `value` is computed from `other`, or the other way round."""
    return other in _before(graph, value) or value in _before(graph, other)


def _before(graph: Graph, value: str) -> set[str]:
    """All that `value` is computed from."""
    found: set[str] = set()
    stack = list(graph.table[value].op.operands)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += graph.table[name].op.operands
    return found
