"""What the mask reads of a tile: variables for the ranges that conditions on tiles mention."""

from __future__ import annotations

from dataclasses import replace

from attn_cuda.attention.site import Site
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_dsl.expr import Expr, Kind, Tensor, tensors_in, to_text
from attn_dsl.tile import Hide, KeyLoop, Range, TileProgram


def print_ranges(site: Site, loop: KeyLoop, axis: str) -> None:
    """Define the ranges along `axis`, or the numbers of the head, as far as they are used."""
    for range in used_ranges(site.program, loop):
        if range.axis == axis:
            print_range(site, range)


def used_ranges(program: TileProgram, loop: KeyLoop) -> list[Range]:
    """Those that the loop or a step in it mentions."""
    used = tensors_of(loop.begin, loop.end, loop.live) | tensors_of(*full_conditions(program))
    return [r for r in program.ranges if used & {r.low.name, r.high.name}]


def full_conditions(program: TileProgram) -> list[Expr]:
    """When a tile needs no mask, for each part of the mask."""
    return [step.full for step in hides_of(program)]


def hides_of(program: TileProgram) -> list[Hide]:
    """The parts of the mask."""
    return [step for step in program.body if isinstance(step, Hide)]


def tensors_of(*expressions: Expr | None) -> set[str]:
    """The tensors that expressions mention: ends of ranges are among them."""
    return {name for expr in expressions if expr is not None for name in tensors_in(expr)}


def print_range(site: Site, range: Range) -> None:
    """Find a range over the queries or keys of the tile; or the number of the head."""
    axis, kind = range.axis, range_type(site.printer.unit, range)
    others = {name: "0" for name in ("q", "k") if name != axis}
    value = replace(site.printer, names={**site.printer.names, **others}).print(range.expr)
    if not axis:
        wide = "long long" if range.kind is Kind.INT else kind  # it meets lengths
        site.out.line(f"const {wide} {range.name} = {value};")
        return
    what = {"q": "queries", "k": "keys"}[axis]
    site.remark(f"The least and the greatest of {to_text(range.expr)} over the {what} of the tile.")
    ends = f"{range.low.name}, {range.high.name}"
    site.out.line(f"{kind} {ends};")
    site.out.line(f"tile_range({axis}_first, {axis}_count, {ends},")
    site.out.line(f"           [&](long long {axis}) {{ return {value}; }});")


def range_type(unit: Unit, range: Range) -> str:
    """Ranges are no wider than need be, since they live as long as the loop."""
    if range.kind is Kind.FLOAT:
        return "float"
    read = range.expr
    is_narrow = isinstance(read, Tensor) and c_type(unit, read.name) != "long long"
    return "int" if range.axis and (is_narrow or range.kind is Kind.BOOL) else "long long"
