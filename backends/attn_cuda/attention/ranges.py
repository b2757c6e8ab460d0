"""What the mask reads of a tile: variables for the ranges that conditions on tiles mention."""

from __future__ import annotations

from dataclasses import replace

from attn_cuda.attention.site import Site
from attn_cuda.cxx.views import c_type
from attn_dsl.expr import Expr, Kind, Tensor, tensors_in, to_text
from attn_dsl.tile import Hide, KeyLoop, Range, TileProgram


def print_ranges(site: Site, loop: KeyLoop, axis: str, *, steps: bool = True) -> None:
    """Define the ranges along `axis`, or the numbers of the head, as far as they are used.

    That is by `loop`, and by the `steps` in it unless these are left out.
    """
    used = _used(site.program if steps else None, loop)
    for range in site.program.ranges:
        if range.axis == axis and used & {range.low.name, range.high.name}:
            _print_range(site, range)


def _used(program: TileProgram | None, loop: KeyLoop) -> set[str]:
    expressions: list[Expr | None] = [loop.begin, loop.end, loop.live]
    if program is not None:
        expressions += [step.full for step in program.body if isinstance(step, Hide)]
    return {name for expr in expressions if expr is not None for name in tensors_in(expr)}


def _print_range(site: Site, range: Range) -> None:
    axis, kind = range.axis, _c_type(site, range)
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


def _c_type(site: Site, range: Range) -> str:
    """Ranges are no wider than need be, since they live as long as the loop."""
    if range.kind is Kind.FLOAT:
        return "float"
    unit, read = site.printer.unit, range.expr
    is_narrow = isinstance(read, Tensor) and c_type(unit, read.name) != "long long"
    return "int" if range.axis and (is_narrow or range.kind is Kind.BOOL) else "long long"
