"""The mask asked about all tiles at once, before any is computed."""

from __future__ import annotations

from attn_dsl.expr import Expr, Kind, names_in
from attn_dsl.ir import DType
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Range, TileProgram, conjuncts
from attn_numpy.expressions import ArrayPrinter, Arrays, ScalarPrinter

scalar = ScalarPrinter().print
BORDERS = frozenset(("q_first", "q_last", "k_first", "k_last", "b", "h"))
INDICES = frozenset(("q", "k", "b", "h"))
ALONG = {"q": "[..., :1]", "k": "[..., :1, :]", "": "[..., :1, :1]"}
"""What is read of a tensor, spread over all scores, that varies along one axis at most."""
LONG = 80
OF_RANGES = {Kind.BOOL: DType.BOOL, Kind.INT: DType.I64, Kind.FLOAT: DType.F32}


def dtypes_of(program: TileProgram) -> dict[str, DType]:
    """The types of the captured tensors, and of the arrays that hold their ranges."""
    captured = {buffer.name: buffer.dtype for buffer in program.captured}
    return {n: captured.get(n, OF_RANGES[kind]) for n, kind in program.scope.kinds.items()}


def print_map(out: TextBuilder, program: TileProgram, *, alike: bool) -> None:
    """Add the function that asks the mask about all tiles, and its call.

    If the heads of a batch are `alike`, it has a single one.
    """
    with out.block("def tile_map():"):
        out.line('"""Of which tiles the mask keeps some score (live), and of which all (full)."""')
        _print_indices(out, program)
        for r in program.ranges:
            _print_range(out, program, r)
        printer = ArrayPrinter(Arrays(dtypes_of(program), str, BORDERS))
        _print_condition(out, "live", program.live, printer)
        _print_condition(out, "full", program.full, printer)
        heads = "*batch[:-1], 1" if alike else "*batch"
        out.line(f"tiles = ({heads}, q_first.size, k_first.size)")
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
        first, *others = (f"({printer.print(part)})" for part in conjuncts(condition))
        out.lines([first, *(f"& {part}" for part in others)])


def _print_indices(out: TextBuilder, program: TileProgram) -> None:
    names = names_in(program.live) | names_in(program.full)
    names = names.union(*(names_in(r.expr) for r in program.ranges))
    out_buffer = program.buffer("out")
    result = f"{out_buffer.value}{'[..., None]' if len(out_buffer.shape) == 1 else ''}"
    for name, axis in (("b", 4), ("h", 3)):
        if name in names:
            out.line(f"{name} = index({result}, {axis})")
    queries, keys = (scalar(d.to_expr()) for d in (program.query_length, program.key_length))
    out.line(f"q, k = np.arange({queries})[:, None], np.arange({keys})")
    out.line("q_first, q_last = tile_range(q, QUERY_TILE, axis=-2)")
    out.line("k_first, k_last = tile_range(k, KEY_TILE, axis=-1)")


def _print_range(out: TextBuilder, program: TileProgram, range: Range) -> None:
    scalars = {b.name for b in program.captured if not b.shape}

    def element(name: str) -> str:
        return name if name in scalars else f"{name}{ALONG[range.axis]}"

    values = ArrayPrinter(Arrays(dtypes_of(program), element, INDICES)).print(range.expr)
    if not range.axis:
        out.line(f"{range.name} = {values}")
        return
    tile, axis = ("QUERY_TILE", -2) if range.axis == "q" else ("KEY_TILE", -1)
    ends = f"{range.low.name}, {range.high.name}"
    out.line(f"{ends} = tile_range({values}, {tile}, axis={axis})")
