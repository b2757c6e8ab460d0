"""The loop of one query tile over key tiles: where it begins and ends, and what it passes over.

Where bounds say all of a mask, the keys that every query of the tile sees are taken in large
tiles without asking it. At the edges tiles are small, and only the queries that see any of their
keys are computed. Other masks are asked tile by tile.
"""

from __future__ import annotations

from attn_dsl.expr import TRUE, Expr, Name, names_in, negation, substitute
from attn_dsl.ir import Dim
from attn_dsl.tile import Edges, TileProgram
from attn_numpy.expressions import ScalarPrinter
from attn_numpy.steps import Site, print_body

scalar = ScalarPrinter().print


def print_loop(site: Site) -> None:
    """The loop over the key tiles that `site`'s query tile sees."""
    out, program = site.out, site.program
    edges = program.edges
    mentioned = {name for e in _bounds(program) for name in names_in(e)} & {"q_first", "q_last"}
    if mentioned or site.indices & {"q"}:
        out.line("q_first, q_last = q_begin, q_end - 1")
    if edges is not None:
        _between_edges(site, edges)
        return
    _tile_by_tile(site)


def _bounds(program: TileProgram) -> list[Expr]:
    edges, keys = program.edges, program.keys
    found = [keys.begin, keys.end, keys.live, program.full]
    if edges is not None:
        found += [edges.full_begin, edges.full_end]
    return [bound for bound in found if bound is not None]


def _tile_by_tile(site: Site) -> None:
    """Key tiles of one size."""
    out, program = site.out, site.program
    begin, end = program.keys.begin, program.keys.end
    keys = scalar(program.key_length.to_expr())
    if begin is None and end is None:
        head = f"range(0, {keys}, KEY_TILE)"
        last = keys
    else:
        out.line("# The mask hides all keys outside of these bounds from this query tile.")
        first = f"max(0, {scalar(begin)}) // KEY_TILE * KEY_TILE" if begin is not None else "0"
        out.line(f"k_begin = {first}")
        out.line(f"k_end = {f'min({keys}, {scalar(end)})' if end is not None else keys}")
        head, last = "range(k_begin, k_end, KEY_TILE)", "k_end"
    if site.maps_index("q"):
        out.line("q = np.arange(q_first, q_last + 1)[:, None]")
    with out.block(f"for k_first in {head}:"):
        out.line(f"k_last = min(k_first + KEY_TILE, {last}) - 1")
        if program.keys.live != TRUE:
            with out.block(f"if {scalar(negation(program.keys.live))}:"):
                out.line("continue  # every score of this tile is masked")
        _slices(site, "q_begin", "q_end")
        print_body(site)


def _slices(site: Site, first: str, end: str) -> None:
    out = site.out
    if site.reads_tiles:
        out.line(f"rows = slice({first}, {end})")
    out.line("keys = slice(k_first, k_last + 1)")
    if site.maps_index("k"):
        out.line("k = np.arange(k_first, k_last + 1)")


def _between_edges(site: Site, edges: Edges) -> None:
    """Large tiles between the edges of the mask, small ones at them."""
    out, program = site.out, site.program
    keys = scalar(program.key_length.to_expr())
    bounds = {
        "k_begin": _least(program.keys.begin),
        "full_begin": _least(edges.full_begin),
        "full_end": _most(edges.full_end, keys),
        "k_end": _most(program.keys.end, keys),
    }
    out.line("# Some of these queries see the keys from k_begin to k_end, and all of them those")
    out.line("# from full_begin to full_end.")
    out.lines(f"{name} = {text}" for name, text in bounds.items() if text not in ("0", keys))
    names = [name if text not in ("0", keys) else text for name, text in bounds.items()]
    with out.block(f"for k_first, k_last in key_tiles({', '.join(names)}):"):
        inner = site.sliced()
        first, end = "q_begin", "q_end"
        if edges.first_query is not None:
            first = "q_first"
            out.line(f"q_first = max(q_begin, {scalar(edges.first_query)})")
        if edges.end_query is not None:
            end = "q_last + 1"
            out.line(f"q_last = min(q_end, {scalar(edges.end_query)}) - 1")
        if _may_cross(edges):
            with out.block("if q_first > q_last:"):
                out.line("continue  # every score of this tile is masked")
        relative = f"slice({_offset(first)}, {_offset(end)})"
        out.line(f"seen = {relative}  # who sees any of these keys")
        if site.maps_index("q"):
            out.line("q = np.arange(q_first, q_last + 1)[:, None]")
        _slices(site, first, end)
        print_body(inner)


def _offset(place: str) -> str:
    return "0" if place == "q_begin" else f"{place} - q_begin"


def _least(bound: Expr | None) -> str:
    return "0" if bound is None else f"max(0, {scalar(bound)})"


def _most(bound: Expr | None, length: str) -> str:
    return length if bound is None else f"min({length}, {scalar(bound)})"


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
