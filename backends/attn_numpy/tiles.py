"""Which tiles the NumPy kernel takes, and how many heads together, from what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from attn_dsl.expr import names_in
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import UNPAGED, Input, TiledAttention, TiledScores, page_dims
from attn_dsl.tile import TileProgram, TileSizes, choose_tiles, schedule
from attn_numpy.site import is_paged

TILES = TileSizes(query=512, key=256, edge=64)
"""Measured fastest with a causal mask, for head dims from 64 to 512."""
ROWS, ROWS_AT_EDGE, ROWS_OF_BAND = 1024, 2048, 4096
"""How many queries are taken together, of several heads if those have the same tiles: what NumPy
takes to be called is done once for all of them. There are more where tiles have few keys: at the
edge of a mask, and in a band, which has edges on both sides and little between."""
OTHERS = (
    TileSizes(1024, 256, 64),
    TileSizes(256, 256, 64),
    TileSizes(256, 128, 64),
    TileSizes(128, 128, 64),
)
BUDGET = 8 * 2**20
"""A core's share of its last cache, in bytes: what a step works on is to stay there."""
VISIT, OF_HEAD = 1_050_000, 250_000
"""What a visit takes beside its products, and for each head of it, measured, as the FLOPs that
take as long."""
LONGEST = 4096
"""The most keys of a tile."""
HEAD_DIM = 64
"""What is taken for a head dim that is not known."""
LENGTH, LONG = 4096, 16384
"""The least length that tiles are chosen for, as on short ones they matter little, and the
greatest, as on longer ones they are the same."""


def rows_together(graph: Graph, statement: Statement, program: TileProgram) -> int:
    """How many queries a job of `program` takes together, of several heads; 0 if of one head.

    That is so where the scores have no heads, or these have not the same tiles.
    """
    assert isinstance(statement.op, TiledScores)
    scores = statement.op.scores_type(graph.types)
    has_heads = scores.batch or len(scores.dims) > 2
    if not has_heads or program.differs_by("h") or any(map(is_paged, program.body)):
        return 0
    edges = program.edges if program.by_edges else None
    sides = 0 if edges is None else 2 - (edges.first_query, edges.end_query).count(None)
    rows = (ROWS, ROWS_AT_EDGE, ROWS_OF_BAND)[sides]
    return max(program.query_tile, min(rows, rows * TILES.key // program.key_tile))


def tiles_of(graph: Graph, statement: Statement, sizes: Mapping[str, int]) -> TileSizes:
    """The tiles for the fused operation of `statement`, as far as `sizes` are known.

    Others than `TILES` where those do not fit, or cost more. What a mask makes of tensors that
    the call brings is not known; it has small tiles, of which it may leave few.
    """
    operands = [graph.table[name] for name in statement.op.operands]
    inputs = [Statement(s.name, _as_input(s), s.type) for s in operands]
    alone = (*inputs, Statement("out", statement.op, statement.type))
    return _tiles_of(Graph("", alone, ()), frozenset(sizes.items()))


def _as_input(statement: Statement) -> Input:
    op = statement.op
    optional = isinstance(op, Input) and op.optional
    return Input(statement.name, str(statement.type), optional=optional)


def _of_few(queries: int) -> TileSizes:
    """Tiles of as many scores for few queries, such as the one of a decoding step."""
    rows = 1 << max(queries - 1, 0).bit_length()
    return TileSizes(rows, min(TILES.query * TILES.key // rows, LONGEST), TILES.edge)


def _length(size: int) -> int:
    return min(max(size, LENGTH), LONG)


@cache
def _tiles_of(graph: Graph, known: frozenset[tuple[str, int]]) -> TileSizes:
    """The same for the last operation of `graph`; once for all copies of a module."""
    statement, sizes = graph.statements[-1], dict(known)
    op = statement.op
    assert isinstance(op, TiledScores)
    heads = [graph.types[op.query], *([statement.type] if isinstance(op, TiledAttention) else [])]
    inner = {symbol for type_ in heads for symbol in type_.dims[-1].symbols}
    sizes = dict.fromkeys(inner, HEAD_DIM) | sizes
    symbols = {s for type_ in graph.types.values() for s in type_.symbols}
    symbols = symbols.union(*(names_in(expr) for _, expr in op.fields_of("expression")))
    at = {s: sizes[s] if s in inner else _length(sizes.get(s, 0)) for s in symbols}
    outer = op.scores_type(graph.types).dims[:-2] + statement.type.dims[:-2]
    batch = {s for dim in outer for s in dim.symbols} - inner
    at |= dict.fromkeys(batch, 1)  # all heads are alike, as far as is known here
    paged = (graph.types[read.name] for read in op.read if read.page != UNPAGED)
    at |= {s: 1 for pool in paged for s in page_dims(pool, op.page_axis)[1].symbols}
    dims = {dim for type_ in graph.types.values() for dim in type_.dims}
    if any(dim.substitute(at).constant is None for dim in dims):
        return TILES  # at these sizes something does not divide; those of the call may

    queries = op.scores_type(graph.types).dims[-2].constant
    if queries is not None and queries < TILES.query:
        return _of_few(queries)

    def plan(tiles: TileSizes) -> TileProgram:
        return schedule(graph, statement, tiles)

    def visit(program: TileProgram) -> int:
        rows = rows_together(graph, statement, program)
        return VISIT // max(1, rows // program.query_tile) + OF_HEAD

    planned = plan(TILES)
    of_unknown = planned.asks_each_tile and planned.ranges
    candidates = [t for t in (TILES, *OTHERS) if t.query < TILES.query or not of_unknown]
    return choose_tiles(candidates, plan, at, BUDGET, visit)
