"""The loop of one query tile over key tiles: where it begins and ends, and what it passes over.

Where bounds say all of a mask, the keys that every query of the tile sees are taken in large
tiles without asking it. At the edges tiles are small, and only the queries that see any of their
keys are computed. Any other mask is asked once a call which tiles of the whole grid it leaves, in
arrays with an element for each tile.
"""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.expr import Call, Expr, Kind, Name, names_in, substitute, tensors_in
from attn_dsl.ir import Dim
from attn_dsl.links import part_mark
from attn_dsl.tile import Edges, Hide, Part, Range, TileProgram
from attn_numpy.expressions import ArrayPrinter, Arrays, ScalarPrinter
from attn_numpy.site import Site
from attn_numpy.steps import print_body
from attn_numpy.tile_map import dtypes_of

scalar = ScalarPrinter().print
CONVERT = {Kind.BOOL: "bool", Kind.INT: "int", Kind.FLOAT: "float"}
"""Python's types by kind."""


def asked_in_loop(program: TileProgram) -> tuple[Expr, ...]:
    """The expressions of tile borders that stand in the function of a query tile."""
    edges, keys = program.edges, program.keys
    found: list[Expr | None] = [keys.begin, keys.end]
    if program.by_edges and edges is not None:
        found += [edges.full_begin, edges.full_end, edges.first_query, edges.end_query]
    if not program.asks_each_tile:
        found += [step.full for step in program.body if isinstance(step, Hide)]
    return tuple(expr for expr in found if expr is not None)


def print_head_numbers(site: Site) -> None:
    """Read the numbers of the head that the loop asks for, such as `length[b]`."""
    printer = ArrayPrinter(Arrays(dtypes_of(site.program), str, frozenset()))
    for r in _head_numbers(site.program):
        site.out.line(f"{r.name} = {CONVERT[r.kind]}({printer.print(r.expr)})")


def _head_numbers(program: TileProgram) -> list[Range]:
    names = {name for expr in asked_in_loop(program) for name in tensors_in(expr)}
    return [r for r in program.ranges if r.name in names]


def head_indices(program: TileProgram) -> set[str]:
    """Which of `b` and `h` these numbers are read with."""
    return {name for r in _head_numbers(program) for name in names_in(r.expr)}


def print_loop(site: Site) -> None:
    """The loop over the key tiles that `site`'s query tile sees."""
    print_head_numbers(site)
    mentioned = {name for e in asked_in_loop(site.program) for name in names_in(e)}
    if mentioned & {"q_first", "q_last"} or "q" in site.indices:
        site.out.line("q_first, q_last = q_begin, q_end - 1")
    if site.program.by_edges:
        _between_edges(site)
    else:
        _tile_by_tile(site)


def _tile_by_tile(site: Site) -> None:
    """Key tiles of one size."""
    out, program = site.out, site.program
    keys = scalar(program.key_length.to_expr())
    if site.maps_index("q"):
        out.line("q = np.arange(q_first, q_last + 1)[:, None]")
    with out.block(f"for k_first in {_visited(site, keys)}:"):
        out.line(f"k_last = min(k_first + KEY_TILE, {keys}) - 1")
        _slices(site, "q_begin", "q_end")
        print_body(site)


def _visited(site: Site, length: str) -> str:
    """The first keys of the tiles that the loop visits."""
    begin, end = site.program.keys.begin, site.program.keys.end
    if site.program.asks_each_tile:
        return f"KEY_TILE * np.flatnonzero({site.of_map('live')})"
    if begin is None and end is None:
        return f"range(0, {length}, KEY_TILE)"
    with site.out.about(part_mark(Part.MASK)):
        site.out.line("# The mask hides all keys outside of these bounds from this query tile.")
        site.out.line(f"k_begin = {_least(begin)} // KEY_TILE * KEY_TILE")
        site.out.line(f"k_end = {_most(end, length)}")
    return "range(k_begin, k_end, KEY_TILE)"


def _slices(site: Site, first: str, end: str) -> None:
    out = site.out
    if site.reads_tiles:
        out.line(f"rows = slice({first}, {end})")
    out.line("keys = slice(k_first, k_last + 1)")
    if site.maps_index("k"):
        out.line("k = np.arange(k_first, k_last + 1)")


def _between_edges(site: Site) -> None:
    """Large tiles between the edges of the mask, small ones at them."""
    out, program, edges = site.out, site.program, site.program.edges
    assert edges is not None
    keys = scalar(program.key_length.to_expr())
    bounds = {
        "k_begin": _least(program.keys.begin),
        "full_begin": _least(edges.full_begin),
        "full_end": _most(edges.full_end, keys),
        "k_end": _most(program.keys.end, keys),
    }
    with out.about(part_mark(Part.MASK)):
        out.line("# Some of these queries see the keys from k_begin to k_end, and all of them")
        out.line("# those from full_begin to full_end.")
        out.lines(f"{name} = {text}" for name, text in bounds.items() if text not in ("0", keys))
    names = [name if text not in ("0", keys) else text for name, text in bounds.items()]
    names += ["KEY_TILE", "EDGE_TILE"]
    with out.block(f"for k_first, k_last in key_tiles({', '.join(names)}):"):
        with out.about(part_mark(Part.MASK)):
            first, end = _seeing_queries(site, edges)
        if site.maps_index("q"):
            out.line("q = np.arange(q_first, q_last + 1)[:, None]")
        _slices(site, first, end)
        is_all = (first, end) == ("q_begin", "q_end")
        print_body(site if is_all else site.sliced())


def _seeing_queries(site: Site, edges: Edges) -> tuple[str, str]:
    """Where the queries begin and end that see any key of the tile."""
    out = site.out
    first, end = "q_begin", "q_end"
    if edges.first_query is not None:
        first = "q_first"
        out.line(f"q_first = max({', '.join(['q_begin', *_tightest('max', edges.first_query)])})")
    if edges.end_query is not None:
        end = "q_last + 1"
        out.line(f"q_last = min({', '.join(['q_end', *_tightest('min', edges.end_query)])}) - 1")
    if _may_cross(edges):
        with out.block("if q_first > q_last:"):
            out.line("continue  # every score of this tile is masked")
    if (first, end) != ("q_begin", "q_end"):
        relative = f"slice({_offset(first)}, {_offset(end)})"
        out.line(f"seen = {relative}  # who sees any of these keys")
    return first, end


def _offset(place: str) -> str:
    return "0" if place == "q_begin" else f"{place} - q_begin"


def _least(bound: Expr | None) -> str:
    return "0" if bound is None else f"max({', '.join(['0', *_tightest('max', bound)])})"


def _most(bound: Expr | None, length: str) -> str:
    return length if bound is None else f"min({', '.join([length, *_tightest('min', bound)])})"


def _tightest(function: str, bound: Expr) -> Iterator[str]:
    """The bounds of which `bound` is the tightest."""
    match bound:
        case Call(name, (lhs, rhs)) if name == function:
            yield from _tightest(function, lhs)
            yield from _tightest(function, rhs)
        case _:
            yield scalar(bound)


def _may_cross(edges: Edges) -> bool:
    """Whether both bounds on the queries together may leave none."""
    if edges.first_query is None or edges.end_query is None:
        return False
    one_key: dict[str, Expr] = {"k_last": Name("k_first")}
    try:
        first, end = (
            Dim.from_expr(substitute(bound, one_key))
            for bound in (edges.first_query, edges.end_query)
        )
    except ValueError:
        return True
    count = (end + first * Dim.of(-1)).constant
    return count is None or count < 1
