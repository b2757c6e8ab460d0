"""A tile program as a Python function: its operands, a job for each query tile, and the tile."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.expr import Expr, names_in, tensors_in
from attn_dsl.ir import DType, Graph, Statement
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Buffer, Hide, Load, Map, TileProgram, formula
from attn_numpy.expressions import ScalarPrinter
from attn_numpy.loop import asked_in_loop, head_indices, print_loop
from attn_numpy.steps import Site, is_bounded, print_step
from attn_numpy.tile_map import print_map

scalar = ScalarPrinter().print


def print_attention(site: Site, graph: Graph, statement: Statement, name: str) -> None:
    """Add the function `name` that computes the fused operation of `statement`, as `site` plans."""
    out, program = site.out, site.program
    arguments = [*statement.op.operands, *sizes_of(program)]
    with out.block(f"def {name}({', '.join(arguments)}):"):
        _docstring(out, graph, statement)
        _tile_sizes(out, program)
        _broadcast(out, program)
        out.line()
        if program.asks_each_tile:
            print_map(out, program)
            out.line()
        longest = ", longest_key" if is_bounded(program) else ""
        with out.block(f"def tile(head, q_begin{longest}):"):
            out.line('"""The queries of one head from q_begin on, key tile by key tile."""')
            _tile(site)
        out.line()
        _jobs(out, program)
        out.line(f"return {statement.name}")


def sizes_of(program: TileProgram) -> tuple[str, ...]:
    """The sizes that the function is told: the lengths, and what the expressions mention."""
    dims = (program.query_length, program.key_length, program.value_dim)
    names = [symbol for dim in dims for symbol in dim.symbols]
    known = {"b", "h", "q", "k", "s", "q_first", "q_last", "k_first", "k_last"}
    of_map = (program.live, program.full) if program.asks_each_tile else ()
    read = (r.expr for r in program.ranges)
    for expr in (*asked_in_loop(program), *of_map, *read, *_expressions(program)):
        names += sorted(names_in(expr) - known)
    return tuple(dict.fromkeys(names))


def _expressions(program: TileProgram) -> Iterator[Expr]:
    """The expressions of the steps."""
    for step in (*program.prologue, *program.body):
        match step:
            case Load(scale=scale) if scale is not None:
                yield scale
            case Map(score=score):
                yield score
            case Hide(mask=mask):
                yield mask


def _docstring(out: TextBuilder, graph: Graph, statement: Statement) -> None:
    op = statement.op
    assert isinstance(op, TiledAttention)
    out.line('"""Fused attention, which never holds the whole matrix of scores.')
    out.line()
    out.lines(f"    {line}" for line in formula(statement.name, op))
    out.line()
    for name in (*op.operands, statement.name):
        out.line(f"{name}: {graph.types[name]}")
    out.line('"""')


def _tile_sizes(out: TextBuilder, program: TileProgram) -> None:
    out.line(f"QUERY_TILE, KEY_TILE = {program.query_tile}, {program.key_tile}")
    if program.by_edges:
        out.line(f"EDGE_TILE = {program.edge_tile}  # keys, where the mask cuts through")


def _broadcast(out: TextBuilder, program: TileProgram) -> None:
    """Bring all operands to the same batch dims, without copying."""
    query, key, value = (program.buffer(n).value for n in ("query", "key", "value"))
    output = program.buffer("out")
    out.line(
        f"batch = np.broadcast_shapes({query}.shape[:-2], {key}.shape[:-2], {value}.shape[:-2])"
    )
    for name in dict.fromkeys((query, key, value)):
        out.line(f"{name} = np.broadcast_to({name}, batch + {name}.shape[-2:])")
    queries, keys = (scalar(d.to_expr()) for d in (program.query_length, program.key_length))
    for buffer in _tilewise(program):
        spread = f"np.broadcast_to({buffer.name}, (*batch, {queries}, {keys}))"
        if not buffer.optional:
            out.line(f"{buffer.name} = {spread}")
        elif _is_guarded(program, buffer):
            with out.block(f"if {buffer.name} is not None:"):
                out.line(f"{buffer.name} = {spread}")
        else:
            absent = "True" if buffer.dtype is DType.BOOL else "0"
            out.line(f"{buffer.name} = {absent} if {buffer.name} is None else {buffer.name}")
            out.line(f"{buffer.name} = {spread}")
    dtype = f"np.{output.dtype.numpy}"
    out.line(f"one = np.ones(({keys}, 1), {dtype})")
    shape = f"(*batch, {queries}, {scalar(program.value_dim.to_expr())})"
    out.line(f"{output.value} = np.empty({shape}, {dtype})")


def _tilewise(program: TileProgram) -> list[Buffer]:
    """The captured tensors that are read at the scores, and not gathered from."""
    found: dict[str, None] = {}
    for expr in _expressions(program):
        found |= dict.fromkeys(tensors_in(expr, gathered=False))
    return [buffer for buffer in program.captured if buffer.name in found]


def _is_guarded(program: TileProgram, buffer: Buffer) -> bool:
    """Whether every step that reads it is passed over when it is absent."""
    return all(
        step.given == buffer.name
        for step in program.body
        if isinstance(step, Map | Hide) and buffer.name in _read_by(step)
    )


def _read_by(step: Map | Hide) -> tuple[str, ...]:
    return tensors_in(step.score if isinstance(step, Map) else step.mask)


def _tile(site: Site) -> None:
    """The body of the function of one query tile."""
    out, program = site.out, site.program
    queries = scalar(program.query_length.to_expr())
    out.line(f"q_end = min(q_begin + QUERY_TILE, {queries})")
    expressions = (*_expressions(program), *asked_in_loop(program))
    names = {name for expr in expressions for name in names_in(expr)} | head_indices(program)
    for index, axis in (("h", 1), ("b", 2)):
        if index in names:
            out.line(f"{index} = head[-{axis}] if len(head) >= {axis} else 0")
    for step in program.prologue:
        print_step(site, step)
    out.line()
    print_loop(site)
    out.line()
    for step in program.epilogue:
        print_step(site, step)


def _jobs(out: TextBuilder, program: TileProgram) -> None:
    """A job for each head and query tile."""
    tiles = f"range(0, {scalar(program.query_length.to_expr())}, QUERY_TILE)"
    with out.block("with limit_threads(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:"):
        out.line("jobs = []")
        with out.block("for head in np.ndindex(batch):"):
            longest = ""
            if is_bounded(program):
                out.line(f"longest_key = longest({program.buffer('key').value}[head])")
                longest = ", longest_key"
            with out.block(f"for q_begin in {tiles}:"):
                out.line(f"jobs.append(pool.submit(tile, head, q_begin{longest}))")
    with out.block("for job in jobs:"):
        out.line("job.result()  # raises what the thread raised")
