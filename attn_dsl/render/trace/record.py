"""The numbers of an attention: what the fused graph computes for given arrays, in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_dsl.expr import MINUS_INF
from attn_dsl.ir import Graph, Sizes, Statement, bind, evaluate_all
from attn_dsl.ir.ops import TiledAttention, TiledScores
from attn_dsl.ir.ops.softmax import sink_of, softmax
from attn_dsl.tile import formula

NDArray = np.ndarray[Any, Any]

MOST = 2**27
"""How many numbers are kept at once: 1 GiB in float64."""
MOST_HEADS = 16
"""Of those that are asked for together."""


@dataclass(frozen=True)
class Trace:
    """What one head of the attention `name` computed, in float64.

    queries `[N, D]`, keys `[M, D]`, values `[M, E]`; scores and weights `[N, M]`; output
    `[N, E]`. A score that is hidden is -inf. `sink` is the weight `[N]` that each query's sink
    takes, if it has one. `operands` are the names of query, key and value in the graph,
    `formula` says how scores and weights are computed, `heads` how many of each batch there are.
    """

    name: str
    operands: tuple[str, str, str]
    formula: tuple[str, ...]
    normalized: bool
    batch: int
    head: int
    heads: tuple[int, int]
    queries: NDArray
    keys: NDArray
    values: NDArray
    scores: NDArray
    weights: NDArray
    output: NDArray
    sink: NDArray | None = None

    @property
    def hidden(self) -> NDArray:
        """Whether the mask hides a key from a query: `[N, M]`."""
        return np.isneginf(self.scores)


def trace_attention(
    graph: Graph, arrays: Mapping[str, NDArray], of: str = "", head: tuple[int, int | None] = (0, 0)
) -> tuple[Trace, ...]:
    """One head, `(b, h)`, of the fused attention called `of`, or of the first one.

    For h None these are the heads of b, the first 16 at most; batch dims beyond those two count
    as b. Raises ValueError for arrays that do not fit, an unknown attention or head, and for
    more numbers than can be kept.
    """
    statement = find_attention(graph, of)
    sizes = bind(graph, arrays)
    _check_size(graph, sizes)
    with np.errstate(all="ignore"):  # what is not finite is shown as such
        values = evaluate_all(graph, arrays)
        return _heads(statement, values, sizes.symbols, head)


def find_attention(graph: Graph, of: str) -> Statement:
    """The fused attention of that name, the first for none; ValueError lists those there are."""
    found = [s for s in graph.statements if isinstance(s.op, TiledAttention)]
    if not found:
        raise ValueError("no attention is fused here, so there is none to trace: see attn explain")
    for statement in found:
        if of in ("", statement.name):
            return statement
    names = ", ".join(statement.name for statement in found)
    raise ValueError(f"there is no attention {of!r}; attentions are {names}")


def _check_size(graph: Graph, sizes: Sizes) -> None:
    """Before anything is computed: all scores of an attention are kept."""
    types = [s.type for s in graph.statements]
    attentions = [s.op for s in graph.statements if isinstance(s.op, TiledScores)]
    types += [op.scores_type(graph.types) for op in attentions]
    count = sum(math.prod(sizes.shape(type_)) for type_ in types)
    if count > MOST:
        needed = f"a trace keeps all {count:,} numbers, and can keep {MOST:,}"
        raise ValueError(f"{needed}; --set gives smaller sizes")


def _heads(
    statement: Statement,
    values: Mapping[str, NDArray],
    sizes: Mapping[str, int],
    head: tuple[int, int | None],
) -> tuple[Trace, ...]:
    op, output = statement.op, values[statement.name]
    assert isinstance(op, TiledAttention)
    scores = op.scores(values, sizes)
    weights, sink = _weights(op, scores, values, sizes)
    key, value = (op.in_one_piece(read, values) for read in op.read)
    outer = output.shape[:-2]
    batches, count = math.prod(outer[:-1]), math.prod(outer[-1:])
    b, h = head
    if b >= batches or (h is not None and h >= count):
        asked = f"{b},{'*' if h is None else h}"
        have = f"{statement.name} has {_counted(batches, 'batch')} of {_counted(count, 'head')}"
        raise ValueError(f"there is no head {asked}: {have}, counted from 0")

    def of_head(x: NDArray, at: int) -> NDArray:
        whole = np.broadcast_to(x, (*outer, *x.shape[-2:]))
        found: NDArray = whole.reshape(-1, count, *x.shape[-2:])[b, at]
        return found

    return tuple(
        Trace(
            name=statement.name,
            operands=(op.query, op.key, op.value),
            formula=tuple(formula(statement.name, op)),
            normalized=op.normalizer != "none",
            batch=b,
            head=at,
            heads=(batches, count),
            queries=of_head(values[op.query], at),
            keys=of_head(key, at),
            values=of_head(value, at),
            scores=of_head(scores, at),
            weights=of_head(weights, at),
            output=of_head(output, at),
            sink=None if sink is None else of_head(sink, at)[:, 0],
        )
        for at in (range(min(count, MOST_HEADS)) if h is None else (h,))
    )


def _weights(
    op: TiledAttention, scores: NDArray, values: Mapping[str, NDArray], sizes: Mapping[str, int]
) -> tuple[NDArray, NDArray | None]:
    """The weights `[..., N, M]`, and that of the sink `[..., N, 1]`, if there is one."""
    if op.normalizer == "none":
        return op.scores(values, sizes, hidden=0.0), None
    if op.sink == MINUS_INF:
        return softmax(scores), None
    found = softmax(np.concatenate([scores, sink_of(op.sink, scores, values, sizes)], axis=-1))
    return found[..., :-1], found[..., -1:]


def _counted(count: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("h") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"
