"""A tile program as a Python function: its operands, a job for each query tile, and the tile."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.expr import Binary, Expr, names_in, tensors_in
from attn_dsl.ir import Dim, DType, Graph, Statement
from attn_dsl.ir.ops import TiledScores
from attn_dsl.links import part_mark
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Begin, Buffer, Hide, Load, Map, Part, TileProgram, formula
from attn_numpy.expressions import ScalarPrinter
from attn_numpy.loop import asked_in_loop, head_indices, print_loop
from attn_numpy.site import Site, is_bounded, is_normalized, is_paged, is_scalar
from attn_numpy.steps import print_step
from attn_numpy.tile_map import print_map

scalar = ScalarPrinter().print


def print_attention(site: Site, graph: Graph, statement: Statement, name: str) -> None:
    """Add the function `name` that computes the fused operation of `statement`, as `site` plans."""
    out, program = site.out, site.program
    arguments = [*statement.op.operands, *sizes_of(program)]
    with out.block(f"def {name}({', '.join(arguments)}):"):
        _docstring(out, graph, statement, program)
        _tile_sizes(site)
        _broadcast(out, program)
        out.line()
        if program.asks_each_tile:
            with out.about(part_mark(Part.MASK)):
                print_map(out, program, alike=site.in_blocks)
            out.line()
        longest = ", longest_key" if is_bounded(program) else ""
        with out.block(f"def tile({site.head}, q_begin{longest}):"):
            of = "these heads" if site.in_blocks else "one head"
            out.line(f'"""The queries of {of} from q_begin on, key tile by key tile."""')
            _tile(site)
        out.line()
        _jobs(site)
        out.line(f"return {', '.join(str(buffer.value) for buffer in program.results)}")


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
    yield from (dim.to_expr() for dim in program.groups or ())
    for step in (*program.prologue, *program.body):
        match step:
            case Load(scale=scale) if scale is not None:
                yield scale
            case Load(pages=pages) if pages is not None:
                yield pages.page
            case Begin(sink=sink):
                yield sink
            case Map(score=score):
                yield score
            case Hide(mask=mask):
                yield mask


def _docstring(out: TextBuilder, graph: Graph, statement: Statement, program: TileProgram) -> None:
    op = statement.op
    assert isinstance(op, TiledScores)
    results = [str(buffer.value) for buffer in program.results]
    out.line('"""Fused attention, which never holds the whole matrix of scores.')
    out.line()
    out.lines(f"    {line}" for line in formula(statement.name, op, "".join(results[1:])))
    out.line()
    for name in (*op.operands, *results):
        out.line(f"{name}: {graph.types[name]}")
    out.line('"""')


def _tile_sizes(site: Site) -> None:
    out, program = site.out, site.program
    out.line(f"QUERY_TILE, KEY_TILE = {program.query_tile}, {program.key_tile}")
    if program.by_edges:
        out.line(f"EDGE_TILE = {program.edge_tile}  # keys, where the mask cuts through")
    if site.in_blocks:
        queries = program.query_length
        count = f"{site.rows_together} // min(max({scalar(queries.to_expr())}, 1), QUERY_TILE)"
        if queries.constant is not None:
            count = str(site.rows_together // max(queries.constant, 1))
        out.line(f"HEAD_BLOCK = {count}  # heads, computed together")


def _broadcast(out: TextBuilder, program: TileProgram) -> None:
    """Bring all operands to the same batch dims, without copying."""
    grouped = _grouped(program)
    pools = _pools(program)
    operands = dict.fromkeys(b.value for b in program.operands if b.value not in pools)
    if pools:
        out.line(f"# The pages of {' and '.join(pools)} stay where they are: see in_pages.")
    if program.groups is not None:
        each, query = " and ".join(grouped), program.buffer("query").value
        out.line(f"# Each head of {each} serves {_per_group(program.groups)} heads of {query}.")
    shapes = (
        f"(*{name}.shape[:-3], 1)" if name in grouped else f"{name}.shape[:-2]" for name in operands
    )
    if len(operands) == 1:
        out.line(f"batch = {''.join(shapes)}")
    else:
        out.line(f"batch = np.broadcast_shapes({', '.join(shapes)})")
    for name in operands if len(operands) > 1 else ():
        shape = (
            f"batch[:-1] + {name}.shape[-3:]" if name in grouped else f"batch + {name}.shape[-2:]"
        )
        out.line(f"{name} = np.broadcast_to({name}, {shape})")
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
    if is_normalized(program):
        out.line(f"one = np.ones(({keys}, 1), np.{program.buffer('scores').dtype.numpy})")
    for buffer in program.results:
        shape = ", ".join(["*batch", *(scalar(dim.to_expr()) for dim in buffer.shape)])
        out.line(f"{buffer.value} = np.empty(({shape}), np.{buffer.dtype.numpy})")


def _per_group(groups: tuple[Dim, Dim]) -> str:
    """How many heads of the query read the same head of the key."""
    many, few = (dim.to_expr() for dim in groups)
    return scalar(Binary("//", many, few))


def _grouped(program: TileProgram) -> list[str]:
    """The key, the value, or both, where they have fewer heads than the query."""
    loads = [step for step in program.body if isinstance(step, Load) and step.grouped]
    values = (program.buffer(load.source).value for load in loads)
    return list(dict.fromkeys(value for value in values if value is not None))


def _pools(program: TileProgram) -> list[str]:
    """The key, the value, or both, where they lie in pages."""
    loads = [step for step in program.body if isinstance(step, Load) and is_paged(step)]
    return list(dict.fromkeys(str(program.buffer(load.source).value) for load in loads))


def _tilewise(program: TileProgram) -> list[Buffer]:
    """The captured tensors that are read at the scores, and neither gathered from nor scalars."""
    found: dict[str, None] = {}
    for expr in _expressions(program):
        found |= dict.fromkeys(tensors_in(expr, gathered=False))
    return [b for b in program.captured if b.name in found and not is_scalar(b)]


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
    if "h" in names and site.in_blocks:
        out.line("h = np.arange(batch[-1])[head_block[-1], None, None] if head_block else 0")
    elif "h" in names:
        out.line("h = head[-1] if head else 0")
    if "b" in names:
        out.line(f"b = {site.head}[-2] if len({site.head}) > 1 else 0")
    if program.groups is not None:
        out.line(f"group = {_group(site)}")
    for step in program.prologue:
        print_step(site, step)
    out.line()
    print_loop(site)
    out.line()
    for step in program.epilogue:
        print_step(site, step)


def _group(site: Site) -> str:
    """The index of the head of the key that all heads of a job read."""
    assert site.program.groups is not None
    head, per_group = site.head, _per_group(site.program.groups)
    first = "head_block[-1].start" if site.in_blocks else "head[-1]"
    return f"(*{head}[:-1], {first} // ({per_group}))"


def _jobs(site: Site) -> None:
    """A job for each head, or some together, and query tile."""
    out, program = site.out, site.program
    q_begins = f"range(0, {scalar(program.query_length.to_expr())}, QUERY_TILE)"
    if program.keys.end is not None:
        q_begins += "[::-1]  # the last see the most keys: they are begun first"
    out.line(f"q_begins = {q_begins}")
    all_heads, count = "np.ndindex(batch)", "math.prod(batch)"
    if site.in_blocks:
        queries, keys = program.query_length.to_expr(), program.key_length.to_expr()
        of_head = f"len(q_begins), {scalar(Binary('*', queries, keys))}"
        group = f", {_per_group(program.groups)}" if program.groups is not None else ""
        out.line(f"blocks = head_blocks(batch, HEAD_BLOCK, {of_head}{group})")
        all_heads, count = "blocks", "len(blocks)"
    out.line()
    with out.block("def jobs():"), out.block(f"for {site.head} in {all_heads}:"):
        job = f"{site.head}, q_begin"
        if is_bounded(program):
            key = str(program.buffer("key").value)
            index = _group(site) if key in _grouped(program) else site.head
            out.line(f"longest_key = longest({key}[{index}])")
            job += ", longest_key"
        with out.block("for q_begin in q_begins:"):
            out.line(f"yield {job}")
    out.line()
    out.line(f"in_parallel(tile, jobs(), {count} * len(q_begins))")
