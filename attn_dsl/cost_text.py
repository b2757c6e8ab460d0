"""Tiles and cost of a fused operation, for `attn explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from math import lcm

from attn_dsl.expr import TRUE, tensors_in
from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.tile import (
    KeyLoop,
    TileProgram,
    TileSizes,
    TooManyTiles,
    cost,
    count_tiles,
    least_traffic,
    on_chip,
    schedule,
    together,
    unfused_traffic,
)

TILES = TileSizes(query=64, key=64)
"""The tiles that are counted: small enough to show what a mask spares at default sizes."""
LENGTH, HEAD_DIM = 1024, 64
"""What is counted at where no size is set; of batches and heads there is one then."""
PREFIXES = " kMGTPE"


def cost_lines(graph: Graph, statement: Statement, given: Mapping[str, int]) -> Iterator[str]:
    """Tiles by kind, then FLOPs, bytes moved and on chip, at the given sizes or at default ones."""
    group = next(group for group in together(graph) if statement in group)
    program = schedule(graph, group[0], TILES, *group[1:])
    sizes = sizes_at(graph, program, given)
    try:
        yield from _counted(program, sizes)
    except TooManyTiles as error:
        yield f"at {at_sizes(sizes, _dims(program))}, {error}: give smaller sizes with --set"


def _counted(program: TileProgram, sizes: Mapping[str, int]) -> Iterator[str]:
    tiles, call = count_tiles(program, sizes), cost(program, sizes)
    lengths = at_sizes(sizes, (program.query_length, program.key_length))
    yield (
        f"tiles of {TILES.query} × {TILES.key} at {lengths}, a head: {tiles.full} full, "
        f"{tiles.partial} partial, {tiles.skipped} skipped{_undecided(program)}"
    )
    yield f"one call at {at_sizes(sizes, _dims(program))}:"
    memory = on_chip(program, sizes)
    every = cost(replace(program, live=TRUE, full=TRUE, keys=KeyLoop()), sizes)
    share = f"{100 * call.flops / every.flops:.0f} % of all scores" if every.flops else ""
    least, unfused = least_traffic(program, sizes), unfused_traffic(program, sizes)
    for what, amount, note in (
        ("work", human(call.flops, "FLOP"), share),
        ("read", human(call.loaded, "B"), f"into tiles, of which one takes {human(memory, 'B')}"),
        ("written", human(call.stored, "B"), ""),
        ("at least", human(least, "B"), "with each input read once"),
        ("unfused", human(unfused, "B"), "with the scores written and read at every step"),
    ):
        yield f"  {what:<10}{amount:>10}  {note}".rstrip()


def _dims(program: TileProgram) -> list[Dim]:
    return [dim for b in program.buffers if b.value for dim in (*b.outer, *b.shape)]


def human(number: int, unit: str) -> str:
    """`1.14 GFLOP`: three digits, and the prefix that leaves the fewest before the point."""
    value, prefix = float(number), 0
    while value >= 999.5:
        value, prefix = value / 1000, prefix + 1
    digits = 0 if prefix == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {PREFIXES[prefix].strip()}{unit}"


def sizes_at(graph: Graph, program: TileProgram, given: Mapping[str, int]) -> dict[str, int]:
    """A size for every symbol; one in a quotient divides, though another were given."""
    lengths = {s for dim in (program.query_length, program.key_length) for s in dim.symbols}
    heads = [program.head_dim, program.value_dim]
    factors = (Fraction(c).denominator for dim in heads for _, c in dim.terms)
    head_dim = HEAD_DIM * lcm(*factors)
    of_head = dict.fromkeys((s for dim in heads for s in dim.symbols), head_dim)
    default = dict.fromkeys(graph.symbols, 1) | of_head | dict.fromkeys(lengths, LENGTH)
    sizes = default | {s: n for s, n in given.items() if s in default}
    whole = all(dim.substitute(sizes).constant is not None for dim in heads)
    return sizes if whole else sizes | of_head


def at_sizes(sizes: Mapping[str, int], dims: Iterable[Dim]) -> str:
    """`N=1024, M=300`: the sizes on which `dims` depend."""
    symbols = dict.fromkeys(symbol for dim in dims for symbol in dim.symbols)
    return ", ".join(f"{s}={sizes[s]}" for s in symbols) or "these sizes"


def _undecided(program: TileProgram) -> str:
    """Which tensors may spare more, when they are known."""
    names = dict.fromkeys(name for r in program.ranges for name in tensors_in(r.expr))
    return f"; fewer once {' and '.join(names)} is known" if names else ""
