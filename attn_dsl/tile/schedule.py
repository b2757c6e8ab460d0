"""From the fused operation to its tile program."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from attn_dsl.expr import MINUS_INF, SCORE, TRUE, Binary, Expr, Number, Tensor, conjunction
from attn_dsl.ir import Graph, Statement, TensorType
from attn_dsl.ir.dims import ONE, Dim
from attn_dsl.ir.ops import Input, Read, TiledAttention, TiledScores, page_dims
from attn_dsl.tile.analysis import MaskAnalysis, analyse
from attn_dsl.tile.program import (
    Begin,
    Buffer,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    LogSum,
    Map,
    Normalize,
    Pages,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Tier,
    TileProgram,
    Weigh,
)


@dataclass(frozen=True)
class TileSizes:
    """How many queries and keys a tile holds; at the edges of a mask `edge` keys, if given."""

    query: int
    key: int
    edge: int | None = None


def schedule(
    graph: Graph, statement: Statement, tiles: TileSizes, beside: Statement | None = None
) -> TileProgram:
    """Plan the fused operation of `statement` with tiles of the given sizes.

    Parts of the mask and the score that hang on an optional input become steps of their own,
    which are passed over when it is not given; the rest of the mask decides which tiles the
    loop visits. `beside` is the log-sum-exp that an attention gives as well.
    """
    op = statement.op
    assert isinstance(op, TiledScores)
    optional = frozenset(name for name in op.captured if _is_optional(graph, name))
    mask, given_masks = _split_mask(op.mask, optional)
    analysis = _analyse(graph, op, mask, optional)
    query, groups = graph.types[op.query], op.groups(graph.types)
    return TileProgram(
        name=statement.name,
        query_length=query.dims[-2],
        key_length=op.whole(op.read[0], graph.types).dims[-2],
        head_dim=query.dims[-1],
        value_dim=statement.type.dims[-1] if isinstance(op, TiledAttention) else Dim.of(0),
        query_tile=tiles.query,
        key_tile=tiles.key,
        live=analysis.live,
        full=analysis.full,
        keys=analysis.keys,
        edges=analysis.edges,
        buffers=_buffers(graph, statement, beside, op, tiles),
        prologue=_prologue(op),
        body=_body(graph, op, analysis.parts, given_masks, optional),
        epilogue=_epilogue(op, beside),
        ranges=analysis.ranges,
        edge_tile=tiles.edge,
        groups=(query.dims[-3], groups) if groups else None,
    )


def _analyse(graph: Graph, op: TiledScores, mask: Expr, optional: frozenset[str]) -> MaskAnalysis:
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


def _is_softmax(op: TiledScores) -> bool:
    return not isinstance(op, TiledAttention) or op.normalizer == "softmax"


def _prologue(op: TiledScores) -> tuple[Step, ...]:
    begin: tuple[Step, ...] = (Fill("maximum", -math.inf), Fill("total", 0.0))
    if op.sink != MINUS_INF:
        begin = (Begin("maximum", "total", op.sink),)
    return (
        Load("query_tile", "query", "q", None if op.scale == Number(1) else op.scale),
        *(begin if _is_softmax(op) else ()),
        *((Fill("accumulator", 0.0),) if isinstance(op, TiledAttention) else ()),
    )


def _body(
    graph: Graph,
    op: TiledScores,
    parts: Iterable[tuple[Expr, Expr]],
    given_masks: list[str],
    optional: frozenset[str],
) -> tuple[Step, ...]:
    def load(into: str, source: str, read: Read) -> Load:
        whole = op.whole(read, graph.types)
        is_served = op.served(whole, graph.types) != whole
        pages = _pages(graph.types[read.name], read.page, op.page_axis)
        return Load(into, source, "k", grouped=is_served, pages=pages)

    hidden = -math.inf if _is_softmax(op) else 0.0
    hides: list[Step] = [Hide("scores", mask, full, value=hidden) for mask, full in parts]
    hides += [Hide("scores", Tensor(name), Number(False), name, hidden) for name in given_masks]
    weights = _softmax_steps(op) if _is_softmax(op) else (Weigh("weights", "scores"),)
    spend: tuple[Step, ...] = ()
    if isinstance(op, TiledAttention):
        product = Contract(
            "accumulator", "weights", "value_tile", transposed=False, accumulate=True
        )
        spend = (load("value_tile", "value", op.read[1]), product)
    return (
        load("key_tile", "key", op.read[0]),
        Contract("scores", "query_tile", "key_tile", transposed=True, accumulate=False),
        *_score_steps(op.score, optional),
        *hides,
        *weights,
        *spend,
    )


def _pages(pool: TensorType, page: Expr, axis: int) -> Pages | None:
    """How the rows of a pool are found; None where they lie in one piece."""
    if not isinstance(page, Tensor):
        return None
    heads, size, _ = page_dims(pool, axis)
    return Pages(page, size, pool.dims[0], axis, heads[0] if heads else None)


def _softmax_steps(op: TiledScores) -> tuple[Step, ...]:
    """From a tile of scores to its weights, relative to the maximum so far."""
    summed = ("total", "accumulator") if isinstance(op, TiledAttention) else ("total",)
    return (
        RowMax("new_maximum", "maximum", "scores"),
        Exponentiate("weights", "scores", "new_maximum"),
        Rescale(summed, "maximum", "new_maximum"),
        RowSum("total", "weights"),
    )


def _epilogue(op: TiledScores, beside: Statement | None) -> tuple[Step, ...]:
    log = LogSum("lse", "maximum", "total")
    if not isinstance(op, TiledAttention):
        return log, Store("out", "lse")
    normalize = (Normalize("accumulator", "total"),) if _is_softmax(op) else ()
    logs = (log, Store("lse_out", "lse")) if beside else ()
    return (*normalize, Store("out", "accumulator"), *logs)


def _buffers(
    graph: Graph, statement: Statement, beside: Statement | None, op: TiledScores, tiles: TileSizes
) -> tuple[Buffer, ...]:
    types = graph.types
    dtype = op.computed(types)
    rows, keys = Dim.of(tiles.query), Dim.of(tiles.key)
    head, value = types[op.query].dims[-1], statement.type.dims[-1]
    has_values = isinstance(op, TiledAttention)

    def outside(name: str, holds: str, rank: int, dims: tuple[Dim, ...] = ()) -> Buffer:
        """A global buffer of which the last `rank` dims are not batch dims, or all if it is 0.

        `dims` are those that are read of it, if they are not its own.
        """
        dims = dims or types[holds].dims
        outer = max(len(dims) - rank, 0) if rank else 0
        optional = _is_optional(graph, holds)
        dtype = types[holds].dtype
        return Buffer(name, Tier.GLOBAL, dtype, dims[outer:], holds, optional, dims[:outer])

    def tile(name: str, tier: Tier, *shape: Dim) -> Buffer:
        return Buffer(name, tier, dtype, shape)

    def of_values(*buffers: Buffer) -> tuple[Buffer, ...]:
        return buffers if has_values else ()

    def of_softmax(*names: str) -> tuple[Buffer, ...]:
        return tuple(tile(name, Tier.REGISTER, rows) for name in names if _is_softmax(op))

    return (
        outside("query", op.query, 2),
        *(
            outside(name, read.name, 2, op.whole(read, types).dims)
            for name, read in zip(("key", "value"), op.read, strict=False)
        ),
        *(outside(name, name, 0) for name in op.captured),
        outside("out", statement.name, 2 if has_values else 1),
        *((outside("lse_out", beside.name, 1),) if beside else ()),
        tile("query_tile", Tier.CACHE, rows, head),
        tile("key_tile", Tier.CACHE, keys, head),
        *of_values(tile("value_tile", Tier.CACHE, keys, value)),
        tile("scores", Tier.REGISTER, rows, keys),
        tile("weights", Tier.CACHE, rows, keys),
        *of_softmax("maximum", "new_maximum", "total"),
        *of_values(tile("accumulator", Tier.REGISTER, rows, value)),
        *((tile("lse", Tier.REGISTER, rows),) if beside or not has_values else ()),
    )
