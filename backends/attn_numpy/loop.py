"""The loop over key tiles: which of them a query tile visits, and where it needs the mask.

A mask that bounds the keys, as causal ones do, gives the loop its ends. Any other is asked once
a call which tiles of the whole grid it leaves, in arrays with an element for each tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attn_dsl.expr import FALSE, TRUE, Binary, Call, Expr, Kind, names_in, tensors_in
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Hide, Range, TileProgram
from attn_numpy.expressions import ArrayPrinter, ScalarPrinter, widened

scalar = ScalarPrinter().print
BORDERS = frozenset(("q_first", "q_last", "k_first", "k_last", "b", "h"))
INDICES = frozenset(("q", "k", "b", "h"))
ALONG = {"q": "[..., :1]", "k": "[..., :1, :]", "": "[..., :1, :1]"}
"""What is read of a tensor, spread over all scores, that varies along one axis at most."""
LONG = 80
CONVERT = {Kind.BOOL: "bool", Kind.INT: "int", Kind.FLOAT: "float"}


def has_map(program: TileProgram) -> bool:
    """Whether the loop needs more than its bounds and numbers of the head."""
    gathered = all(not tensors_in(r.expr, gathered=False) for r in program.ranges)
    return program.keys.live != TRUE or not gathered or any(r.axis for r in program.ranges)


def asked_in_loop(program: TileProgram) -> tuple[Expr, ...]:
    """The expressions of tile borders that stand in the function of a query tile."""
    bounds = tuple(e for e in (program.keys.begin, program.keys.end) if e is not None)
    steps = () if has_map(program) else (s.full for s in program.body if isinstance(s, Hide))
    return (*bounds, *steps)


def head_numbers(program: TileProgram) -> list[Range]:
    """The numbers of a head that these mention."""
    names = {name for expr in asked_in_loop(program) for name in tensors_in(expr)}
    return [r for r in program.ranges if r.name in names]


def print_head_numbers(out: TextBuilder, program: TileProgram) -> None:
    """Read these numbers, in the function of a query tile."""
    printer = ArrayPrinter(program.scope.kinds, str, frozenset())
    for r in head_numbers(program):
        out.line(f"{r.name} = {CONVERT[r.kind]}({printer.print(r.expr)})")


def print_map(out: TextBuilder, program: TileProgram) -> None:
    """Add the function that asks the mask about all tiles, and its call."""
    with out.block("def tile_map():"):
        out.line('"""Of which tiles the mask keeps some score (live), and of which all (full)."""')
        _print_indices(out, program)
        for r in program.ranges:
            _print_range(out, program, r)
        printer = ArrayPrinter(program.scope.kinds, str, BORDERS)
        _print_condition(out, "live", program.live, printer)
        _print_condition(out, "full", program.full, printer)
        out.line("tiles = (*batch, q_first.size, k_first.size)")
        out.line("return np.broadcast_to(live, tiles), np.broadcast_to(full, tiles)")
    out.line()
    out.line("live, full = tile_map()")


def _print_condition(out: TextBuilder, name: str, condition: Expr, printer: ArrayPrinter) -> None:
    """`name = condition`, with a line for each conjunct if it is long."""
    text = printer.print(condition)
    if len(text) <= LONG:
        out.line(f"{name} = {text}")
        return
    with out.block(f"{name} = (", ")"):
        parts = [f"({printer.print(part)})" for part in _conjuncts(condition)]
        out.lines([parts[0], *(f"& {part}" for part in parts[1:])])


def _conjuncts(condition: Expr) -> list[Expr]:
    match condition:
        case Binary("and", lhs, rhs):
            return [*_conjuncts(lhs), *_conjuncts(rhs)]
    return [condition]


def _print_indices(out: TextBuilder, program: TileProgram) -> None:
    names = names_in(program.live) | names_in(program.full)
    names = names.union(*(names_in(r.expr) for r in program.ranges))
    result = program.buffer("out").value
    for name, axis in (("b", 4), ("h", 3)):
        if name in names:
            out.line(f"{name} = index({result}, {axis})")
    queries, keys = (scalar(d.to_expr()) for d in (program.query_length, program.key_length))
    out.line(f"q, k = np.arange({queries})[:, None], np.arange({keys})")
    out.line("q_first, q_last = tile_range(q, QUERY_TILE, axis=-2)")
    out.line("k_first, k_last = tile_range(k, KEY_TILE, axis=-1)")


def _print_range(out: TextBuilder, program: TileProgram, range: Range) -> None:
    dtypes = {buffer.name: buffer.dtype for buffer in program.captured}

    def element(name: str) -> str:
        return f"{name}{ALONG[range.axis]}{widened(dtypes[name])}"

    values = ArrayPrinter(program.scope.kinds, element, INDICES).print(range.expr)
    if not range.axis:
        out.line(f"{range.name} = {values}")
        return
    tile, axis = ("QUERY_TILE", -2) if range.axis == "q" else ("KEY_TILE", -1)
    ends = f"{range.low.name}, {range.high.name}"
    out.line(f"{ends} = tile_range({values}, {tile}, axis={axis})")


@contextmanager
def key_loop(out: TextBuilder, program: TileProgram) -> Iterator[None]:
    """The loop over key tiles, in which `keys` is the slice of them that is within the bounds."""
    begin, end = program.keys.begin, program.keys.end
    length = scalar(program.key_length.to_expr())
    if begin is not None or end is not None:
        out.line("# The mask hides all keys outside of these bounds from this query tile.")
    if begin is not None:
        out.line(f"k_begin = max({', '.join(('0', *_tightest_of('max', begin)))})")
    if end is not None:
        out.line(f"k_end = min({', '.join((length, *_tightest_of('min', end)))})")
    with out.block(f"for k_first in {_visited(program, length)}:"):
        out.line(f"k_last = min(k_first + KEY_TILE, {length}) - 1")
        first = "k_first" if begin is None else "max(k_first, k_begin)"
        last = "k_last + 1" if end is None else "min(k_last + 1, k_end)"
        out.line(f"keys = slice({first}, {last})")
        yield


def _tightest_of(function: str, bound: Expr) -> tuple[str, ...]:
    """The bounds of which `bound` is the tightest."""
    match bound:
        case Call(name, (lhs, rhs)) if name == function:
            return (*_tightest_of(function, lhs), *_tightest_of(function, rhs))
    return (scalar(bound),)


def _visited(program: TileProgram, length: str) -> str:
    if has_map(program):
        return "KEY_TILE * np.flatnonzero(live[head][q_first // QUERY_TILE])"
    end = length if program.keys.end is None else "k_end"
    if program.keys.begin is None:
        return f"range(0, {end}, KEY_TILE)"
    return f"key_tiles(k_begin, {end}, KEY_TILE)"


def needs_mask(program: TileProgram, full: Expr) -> str | None:
    """The condition under which a tile is not kept whole; None where that is not known."""
    if full == FALSE:
        return None
    if has_map(program):
        return "not full[head][q_first // QUERY_TILE, k_first // KEY_TILE]"
    return scalar(program.scope.opposite(full))
