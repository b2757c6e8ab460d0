"""Who a kernel is compared with: whoever computes the same from the same arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from attn_dsl.expr import MINUS_INF, SCORE, Binary, Expr, Number, names_in
from attn_dsl.ir import Graph, Sizes, Statement
from attn_dsl.ir.binding import NDArray
from attn_dsl.ir.ops import UNPAGED, Input, TiledAttention

Run = Callable[[], NDArray]
"""Computes the diagram's output, from arrays that it was prepared with."""


@dataclass(frozen=True)
class Absent:
    """A peer that cannot compute this, and why."""

    name: str
    reason: str


class NoPeer(ValueError):
    """Why a peer cannot compute a diagram."""


Prepare = Callable[[Graph, Mapping[str, NDArray], Sizes], Run]
"""Makes a peer for a fused graph at these arrays; raises NoPeer."""


def only_attention(graph: Graph) -> tuple[Statement, TiledAttention]:
    """The one operation of `graph`, a fused attention; NoPeer if there is more or less."""
    rest = [s for s in graph.statements if not isinstance(s.op, Input)]
    if len(rest) != 1 or not isinstance(rest[0].op, TiledAttention):
        raise NoPeer("it computes one attention, and this diagram has other operations")
    op = rest[0].op
    if op.normalizer != "softmax" or op.sink != MINUS_INF:
        raise NoPeer("its weights are those of a plain softmax, and these are not")
    if any(read.page != UNPAGED for read in op.read):
        raise NoPeer("its keys and values lie in one piece, and these in pages")
    return rest[0], op


def given(graph: Graph, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The arrays by value name; an optional one that is absent reads as what changes nothing."""
    found = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        absent = np.asarray(True if statement.type.dtype.value == "bool" else 0.0, np.float32)
        found[statement.name] = arrays.get(statement.op.name, absent)
    return found


def added_to_score(score: Expr) -> Expr:
    """What `score` adds to `s`; NoPeer if it does anything else."""
    match score:
        case _ if score == SCORE:
            return Number(0)
        case Binary("+", lhs, rhs) if SCORE.id not in names_in(rhs):
            return Binary("+", added_to_score(lhs), rhs)
        case Binary("+", lhs, rhs) if SCORE.id not in names_in(lhs):
            return Binary("+", lhs, added_to_score(rhs))
        case Binary("-", lhs, rhs) if SCORE.id not in names_in(rhs):
            return Binary("-", added_to_score(lhs), rhs)
    raise NoPeer("it can add to the scores, and nothing else")


def torch_peers() -> dict[str, Prepare]:
    """PyTorch's, by the names under which they are shown; ImportError without PyTorch."""
    from attn_dsl.bench.pytorch import flex, sdpa  # noqa: PLC0415 (PyTorch is an extra)

    return {"torch SDPA": sdpa, "torch FlexAttention": flex}
