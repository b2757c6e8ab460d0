"""A tile program as a Python function."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.expr import (
    FALSE,
    SCORE,
    TRUE,
    Expr,
    names_in,
    negation,
    tensors_in,
)
from attn_dsl.ir import DType, Graph, Statement
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import (
    Buffer,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    Map,
    Normalize,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    TileProgram,
    formula,
)
from attn_numpy.expressions import ArrayPrinter, ScalarPrinter, keeps_dtype

scalar = ScalarPrinter().print
TILE = "[head][rows, keys]"


def print_attention(
    out: TextBuilder, graph: Graph, statement: Statement, program: TileProgram, name: str
) -> None:
    """Add the function `name` that computes the fused operation of `statement`, by `program`."""
    arguments = [*statement.op.operands, *sizes_of(program)]
    with out.block(f"def {name}({', '.join(arguments)}):"):
        _docstring(out, graph, statement)
        _broadcast(out, program)
        out.line()
        with out.block("def tile(head, q_first):"):
            out.line('"""The rows of one head from q_first on, key tile by key tile."""')
            _tile(out, program)
        out.line()
        with out.block("with limit_threads(1), ThreadPoolExecutor(os.cpu_count()) as pool:"):
            with out.block("jobs = [", "]"):
                out.line("pool.submit(tile, head, q_first)")
                out.line("for head in np.ndindex(batch)")
                out.line(f"for q_first in range(0, {scalar_dim(program, 'query')}, QUERY_TILE)")
            with out.block("for job in jobs:"):
                out.line("job.result()  # raises what the thread raised")
        out.line(f"return {statement.name}")


def sizes_of(program: TileProgram) -> tuple[str, ...]:
    """The sizes that the function is told: the lengths, and what the expressions mention."""
    dims = (program.query_length, program.key_length, program.value_dim)
    names = [symbol for dim in dims for symbol in dim.symbols]
    known = {"b", "h", "q", "k", "s", "q_first", "q_last", "k_first", "k_last"}
    for expr in _expressions(program):
        names += sorted(names_in(expr) - known)
    return tuple(dict.fromkeys(names))


def _expressions(program: TileProgram) -> Iterator[Expr]:
    loop = program.keys
    yield from (e for e in (loop.begin, loop.end, loop.live) if e is not None)
    for step in (*program.prologue, *program.body):
        match step:
            case Load(scale=scale) if scale is not None:
                yield scale
            case Map(score=score):
                yield score
            case Hide(mask=mask, full=full):
                yield from (mask, full)


def scalar_dim(program: TileProgram, which: str) -> str:
    """A length as Python writes it."""
    dim = program.query_length if which == "query" else program.key_length
    return scalar(dim.to_expr())


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


def _broadcast(out: TextBuilder, program: TileProgram) -> None:
    """Bring all operands to the same batch dims, without copying."""
    query, key, value = (program.buffer(n).value for n in ("query", "key", "value"))
    output = program.buffer("out")
    out.line(
        f"batch = np.broadcast_shapes({query}.shape[:-2], {key}.shape[:-2], {value}.shape[:-2])"
    )
    for name in dict.fromkeys((query, key, value)):
        out.line(f"{name} = np.broadcast_to({name}, batch + {name}.shape[-2:])")
    queries, keys = scalar_dim(program, "query"), scalar_dim(program, "key")
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
    shape = f"(*batch, {queries}, {scalar(program.value_dim.to_expr())})"
    out.line(f"{output.value} = np.empty({shape}, np.{output.dtype.numpy})")


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


def _tile(out: TextBuilder, program: TileProgram) -> None:
    names = {name for expr in _expressions(program) for name in names_in(expr)}
    out.line(f"q_last = min(q_first + QUERY_TILE, {scalar_dim(program, 'query')}) - 1")
    out.line("rows = slice(q_first, q_last + 1)")
    for index, axis in (("h", 1), ("b", 2)):
        if index in names:
            out.line(f"{index} = head[-{axis}] if len(head) >= {axis} else 0")
    if "q" in names:
        out.line("q = np.arange(q_first, q_last + 1)[:, None]")
    for step in program.prologue:
        _print_step(out, program, step)
    out.line()
    _loop_head(out, program)
    with out.block("for k_first in range(k_begin, k_end, KEY_TILE):"):
        out.line("k_last = min(k_first + KEY_TILE, k_end) - 1")
        if program.keys.live != TRUE:
            with out.block(f"if {scalar(negation(program.keys.live))}:"):
                out.line("continue  # every score of this tile is masked")
        out.line("keys = slice(k_first, k_last + 1)")
        if "k" in names:
            out.line("k = np.arange(k_first, k_last + 1)")
        for step in program.body:
            _print_step(out, program, step)
    out.line()
    for step in program.epilogue:
        _print_step(out, program, step)


def _loop_head(out: TextBuilder, program: TileProgram) -> None:
    begin, end = program.keys.begin, program.keys.end
    if begin is not None or end is not None:
        out.line("# The mask hides all keys outside of these bounds from this query tile.")
    first = f"max(0, {scalar(begin)}) // KEY_TILE * KEY_TILE" if begin is not None else "0"
    out.line(f"k_begin = {first}")
    keys = scalar_dim(program, "key")
    out.line(f"k_end = {f'min({keys}, {scalar(end)})' if end is not None else keys}")


def _print_step(out: TextBuilder, program: TileProgram, step: Step) -> None:
    match step:
        case Load(into, source, axis, scale):
            rows = f"{program.buffer(source).value}[head][{'rows' if axis == 'q' else 'keys'}]"
            factor = "" if scale is None else f" * ({scalar(scale)})"
            out.line(f"{into} = {rows}{factor}")
        case Fill(buffer, value):
            _print_fill(out, program, buffer, value)
        case Contract(into, lhs, rhs, transposed, accumulate):
            sign = "+=" if accumulate else "="
            out.line(f"{into} {sign} {lhs} @ {rhs}{'.T' if transposed else ''}")
        case Map() | Hide():
            _print_change(out, program, step)
        case RowMax(into, previous, scores):
            out.line(f"{into} = np.maximum({previous}, {scores}.max(axis=1, keepdims=True))")
        case Exponentiate(into, scores, maximum):
            out.line(
                "# A row that has seen no key yet is -inf; shifted by 0, it stays without weight."
            )
            out.line(f"shift = np.where({maximum} == -np.inf, 0, {maximum})")
            out.line(f"{scores} -= shift")
            out.line(f"{into} = np.exp({scores}, out={scores})")
        case Rescale(buffers, previous, maximum):
            out.line(f"rescale = np.exp({previous} - shift)")
            out.lines(f"{buffer} *= rescale" for buffer in buffers)
            out.line(f"{previous} = {maximum}")
        case RowSum(into, weights):
            out.line(f"{into} += {weights}.sum(axis=1, keepdims=True)")
        case Normalize(buffer, total):
            out.line(f"{buffer} /= np.where({total} == 0, 1, {total})  # 0 where no key is seen")
        case Store(into, buffer):
            out.line(f"{program.buffer(into).value}[head][rows] = {buffer}")


def _print_fill(out: TextBuilder, program: TileProgram, name: str, value: float) -> None:
    buffer = program.buffer(name)
    columns = scalar(buffer.shape[1].to_expr()) if len(buffer.shape) > 1 else "1"
    dtype = f"np.{buffer.dtype.numpy}"
    shape = f"(q_last + 1 - q_first, {columns})"
    if value == 0:
        out.line(f"{name} = np.zeros({shape}, {dtype})")
    else:
        out.line(f"{name} = np.full({shape}, {ScalarPrinter().number(value)[0]}, {dtype})")


def _print_change(out: TextBuilder, program: TileProgram, step: Map | Hide) -> None:
    """A change of the scores, in the branch where it is needed."""
    captured = {buffer.name: buffer.dtype for buffer in program.captured}
    printer = ArrayPrinter(captured, lambda name: f"{name}{TILE}")
    if isinstance(step, Map):
        text = printer.print(step.score)
        if SCORE.id not in names_in(step.score):
            text = f"np.broadcast_to({text}, {step.buffer}.shape)"
        if not keeps_dtype(step.score, captured, program.buffer("out").dtype):
            text = f"({text}).astype(np.{program.buffer('out').dtype.numpy})"
        change = f"{step.buffer} = {text}"
        condition = None
    else:
        change = f"{step.buffer} = np.where({printer.print(step.mask)}, {step.buffer}, -np.inf)"
        condition = None if step.full == FALSE else scalar(negation(step.full))
    if step.given is not None:
        condition = f"{step.given} is not None"
    if condition is None:
        out.line(change)
        return
    with out.block(f"if {condition}:"):
        out.line(change)
