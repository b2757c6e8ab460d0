"""What each value of a graph costs, in a line or two, for pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from attn_dsl.cost_text import HEAD_DIM, LENGTH, TILES, human, sizes_at
from attn_dsl.ir import Graph, Statement, TensorType
from attn_dsl.ir.ops import Input, Linear, MatMul, TiledScores
from attn_dsl.tile import TooManyTiles, cost, schedule, together, unfused_traffic

Sizes = Mapping[str, int]


def cost_notes(graph: Graph, sizes: Sizes) -> dict[str, tuple[str, ...]]:
    """FLOPs of products, and bytes read and written, by the value that is computed.

    Optional inputs count as not given, and `...` as no batch dims.
    """
    found: dict[str, tuple[str, ...]] = {}
    for statement, *beside in together(graph):
        if isinstance(statement.op, TiledScores):
            found[statement.name] = tuple(_fused(graph, statement, beside, sizes))
            found |= {other.name: (f"from the kernel of {statement.name}",) for other in beside}
        elif not isinstance(statement.op, Input):
            found[statement.name] = tuple(_plain(graph, statement, sizes))
    return found


def picture_sizes(graph: Graph, given: Mapping[str, int]) -> dict[str, int]:
    """The sizes that costs are counted at: those given, or those that `explain` takes.

    Where no attention says what a symbol is, the last dim has 64 elements, the one before 1024.
    """
    found = dict.fromkeys(graph.symbols, 1)
    for default, place in ((LENGTH, -2), (HEAD_DIM, -1)):
        for statement in graph.inputs:
            dims = statement.type.dims
            if len(dims) >= -place:
                found |= dict.fromkeys(dims[place].symbols, default)
    found |= {symbol: size for symbol, size in given.items() if symbol in found}
    for group in together(graph):
        if isinstance(group[0].op, TiledScores):
            program = schedule(graph, group[0], TILES, *group[1:])
            found |= sizes_at(graph, program, found)
    return found


def _fused(
    graph: Graph, statement: Statement, beside: list[Statement], sizes: Sizes
) -> Iterator[str]:
    program = schedule(graph, statement, TILES, *beside)
    try:
        call = cost(program, sizes)
    except TooManyTiles:
        yield "too many tiles to count"
        return
    yield f"{human(call.flops, 'FLOP')}, {human(call.loaded + call.stored, 'B')} moved"
    yield f"unfused {human(unfused_traffic(program, sizes), 'B')} moved"


def _plain(graph: Graph, statement: Statement, sizes: Sizes) -> Iterator[str]:
    read = [graph.types[name] for name in statement.op.operands]
    try:
        moved = sum(_bytes(type_, sizes) for type_ in (*read, statement.type))
        flops = _flops(graph, statement, sizes)
    except ValueError:  # a quotient that is no whole number at these sizes
        return
    work = f"{human(flops, 'FLOP')}, " if flops else ""
    yield f"{work}{human(moved, 'B')} moved"


def _flops(graph: Graph, statement: Statement, sizes: Sizes) -> int:
    """A multiplication and an addition count as two; other work as none."""
    op = statement.op
    if not isinstance(op, MatMul | Linear):
        return 0
    inner = graph.types[op.operands[0]].dims[-1].value(sizes)
    return 2 * inner * _count(statement.type, sizes)


def _count(type_: TensorType, sizes: Sizes) -> int:
    return prod(dim.value(sizes) for dim in type_.dims)


def _bytes(type_: TensorType, sizes: Sizes) -> int:
    return type_.dtype.size * _count(type_, sizes)
