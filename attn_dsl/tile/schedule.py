"""From the fused operation to its tile program."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from attn_dsl.expr import SCORE, TRUE, Binary, Expr, Number, Tensor, conjunction
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.dims import ONE, Dim
from attn_dsl.ir.ops import Input, TiledAttention
from attn_dsl.tile.analysis import MaskAnalysis, analyse
from attn_dsl.tile.program import (
    Buffer,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    Map,
    Normalize,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Tier,
    TileProgram,
)


@dataclass(frozen=True)
class TileSizes:
    """How many queries and keys a tile holds; at the edges of a mask `edge` keys, if given."""

    query: int
    key: int
    edge: int | None = None


def schedule(graph: Graph, statement: Statement, tiles: TileSizes) -> TileProgram:
    """Plan the fused operation of `statement` with tiles of the given sizes.

    Parts of the mask and the score that hang on an optional input become steps of their own,
    which are passed over when it is not given; the rest of the mask decides which tiles the
    loop visits.
    """
    op = statement.op
    assert isinstance(op, TiledAttention)
    optional = frozenset(name for name in op.captured if _is_optional(graph, name))
    mask, given_masks = _split_mask(op.mask, optional)
    analysis = _analyse(graph, op, mask, optional)
    query, value = graph.types[op.query], graph.types[op.value]
    return TileProgram(
        name=statement.name,
        query_length=query.dims[-2],
        key_length=value.dims[-2],
        head_dim=query.dims[-1],
        value_dim=value.dims[-1],
        query_tile=tiles.query,
        key_tile=tiles.key,
        live=analysis.live,
        full=analysis.full,
        keys=analysis.keys,
        edges=analysis.edges,
        buffers=_buffers(graph, statement, op, tiles),
        prologue=_prologue(op),
        body=_body(op, analysis.parts, given_masks, optional),
        epilogue=(Normalize("accumulator", "total"), Store("out", "accumulator")),
        ranges=analysis.ranges,
        edge_tile=tiles.edge,
    )


def _analyse(
    graph: Graph, op: TiledAttention, mask: Expr, optional: frozenset[str]
) -> MaskAnalysis:
    """What the mask leaves of a tile. Of an optional tensor nothing is known, so it may do all."""
    types = {name: graph.types[name] for name in op.captured}
    axes = {name: _axes(types[name].dims) for name in types if name not in optional}
    kinds = {name: type_.dtype.kind for name, type_ in types.items()}
    return analyse(mask, kinds, axes, {*graph.table, *graph.symbols})


def _axes(dims: tuple[Dim, ...]) -> frozenset[str]:
    """Along which of `q` and `k` a tensor varies that is read at the score itself."""
    last = zip("kq", dims[::-1], strict=False)
    return frozenset(axis for axis, dim in last if dim != ONE)


def _is_optional(graph: Graph, value: str) -> bool:
    op = graph.table[value].op
    return isinstance(op, Input) and op.optional


def _split_mask(mask: Expr, optional: frozenset[str]) -> tuple[Expr, list[str]]:
    """The mask without the conjuncts that are an optional tensor alone, and those tensors."""
    if isinstance(mask, Binary) and mask.op == "and":
        lhs, given = _split_mask(mask.lhs, optional)
        rhs, more = _split_mask(mask.rhs, optional)
        return conjunction(lhs, rhs), given + more
    if isinstance(mask, Tensor) and mask.indices is None and mask.name in optional:
        return TRUE, [mask.name]
    return mask, []


def _score_steps(score: Expr, optional: frozenset[str]) -> list[Step]:
    """One step, but for the optional tensors that are added last: these are steps of their own."""
    match score:
        case Binary("+", rest, Tensor(name, None)) if name in optional:
            added = Map("scores", Binary("+", SCORE, score.rhs), given=name)
            return [*_score_steps(rest, optional), added]
    return [] if score == SCORE else [Map("scores", score)]


def _prologue(op: TiledAttention) -> tuple[Step, ...]:
    return (
        Load("query_tile", "query", "q", None if op.scale == Number(1) else op.scale),
        Fill("maximum", -math.inf),
        Fill("total", 0.0),
        Fill("accumulator", 0.0),
    )


def _body(
    op: TiledAttention,
    parts: Iterable[tuple[Expr, Expr]],
    given_masks: list[str],
    optional: frozenset[str],
) -> tuple[Step, ...]:
    hides: list[Step] = [Hide("scores", mask, full) for mask, full in parts]
    hides += [Hide("scores", Tensor(name), Number(False), name) for name in given_masks]
    return (
        Load("key_tile", "key", "k"),
        Contract("scores", "query_tile", "key_tile", transposed=True, accumulate=False),
        *_score_steps(op.score, optional),
        *hides,
        RowMax("new_maximum", "maximum", "scores"),
        Exponentiate("weights", "scores", "new_maximum"),
        Rescale(("total", "accumulator"), "maximum", "new_maximum"),
        RowSum("total", "weights"),
        Load("value_tile", "value", "k"),
        Contract("accumulator", "weights", "value_tile", transposed=False, accumulate=True),
    )


def _buffers(
    graph: Graph, statement: Statement, op: TiledAttention, tiles: TileSizes
) -> tuple[Buffer, ...]:
    types = graph.types
    dtype = statement.type.dtype
    rows, keys = Dim.of(tiles.query), Dim.of(tiles.key)
    head, value = types[op.query].dims[-1], types[op.value].dims[-1]

    def outside(name: str, holds: str) -> Buffer:
        dims = types[holds].dims
        outer = len(dims) - 2 if name in ("query", "key", "value", "out") else 0
        optional = _is_optional(graph, holds)
        dtype = types[holds].dtype
        return Buffer(name, Tier.GLOBAL, dtype, dims[outer:], holds, optional, dims[:outer])

    def tile(name: str, tier: Tier, *shape: Dim) -> Buffer:
        return Buffer(name, tier, dtype, shape)

    return (
        outside("query", op.query),
        outside("key", op.key),
        outside("value", op.value),
        *(outside(name, name) for name in op.captured),
        outside("out", statement.name),
        tile("query_tile", Tier.CACHE, rows, head),
        tile("key_tile", Tier.CACHE, keys, head),
        tile("value_tile", Tier.CACHE, keys, value),
        tile("scores", Tier.REGISTER, rows, keys),
        tile("weights", Tier.CACHE, rows, keys),
        tile("maximum", Tier.REGISTER, rows),
        tile("new_maximum", Tier.REGISTER, rows),
        tile("total", Tier.REGISTER, rows),
        tile("accumulator", Tier.REGISTER, rows, value),
    )
