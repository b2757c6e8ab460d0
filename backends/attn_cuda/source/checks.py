"""What this backend cannot print, said before it prints anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attn_cuda.cxx.unit import HALVES, MAX_HEAD_DIM, MAX_RANK, head_dims
from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Span
from attn_dsl.ir import DType, Graph, Statement
from attn_dsl.ir.ops import Cast, Input, MatMul, Pointwise, Softmax, TiledScores

TYPES = (DType.F32, *HALVES)


def constants_of(graph: Graph, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes to compile in: those in the head dims of fused operations.

    Raises DiagnosticError with all that stands in the way of a kernel:

    - E060: a head dim whose size is not known.
    - E061: a head dim that does not fit into a block's registers and shared memory.
    - E062: an element type that the kernels do not compute in.
    - E063: more dims than a kernel has indices.
    """
    found: list[Diagnostic] = []
    for statement in graph.statements:
        found += _check_type(statement, graph)
        found += _check_head_dims(statement, graph, sizes)
    if found:
        raise DiagnosticError(found)
    dims = (dim for statement in graph.statements for dim in head_dims(statement, graph))
    return {symbol: sizes[symbol] for symbol in sorted({s for dim in dims for s in dim.symbols})}


def _check_type(statement: Statement, graph: Graph) -> Iterator[Diagnostic]:
    type_, op = statement.type, statement.op
    what = op.name if isinstance(op, Input) else statement.name
    computed = isinstance(op, Input | MatMul | Softmax | TiledScores | Cast | Pointwise)
    if computed and type_.dtype.is_float and type_.dtype not in TYPES:
        message = f"`{what}` is {type_}; the cuda target computes in {_listed(TYPES)}"
        help = "declare it as f32, or use `--set dtype=f32` where no type is declared"
        yield Diagnostic("E062", message, _span(statement), help=help)
    if isinstance(op, TiledScores):
        yield from _check_precision(statement, op, graph)
    if len(type_.dims) > MAX_RANK:
        message = (
            f"`{what}` is {type_}: CUDA kernels have two batch dims at most before the last two, "
            f"this has {len(type_.dims) - 2}"
        )
        help = "join batch dims into one, such as B*T, or write `...` for them"
        yield Diagnostic("E063", message, _span(statement), help=help)


def _check_precision(statement: Statement, op: TiledScores, graph: Graph) -> Iterator[Diagnostic]:
    """Products are of numbers of one type; what is made of them is float."""
    read = (op.query, *(read.name for read in op.read))
    dtypes = {name: graph.types[name].dtype for name in read}
    if len({*dtypes.values()}) > 1:
        found = ", ".join(f"{name} is {dtype.value}" for name, dtype in dtypes.items())
        message = f"`{statement.name}` takes numbers of several types: {found}"
        help = "declare query, key and value with the same type"
        yield Diagnostic("E062", message, _span(statement), help=help)
    if op.precision and DType(op.precision) is not DType.F32:
        message = f"`{statement.name}` computes its scores in {op.precision}"
        help = "the cuda target computes them in f32; leave out the cast of the scores"
        yield Diagnostic("E062", message, _span(statement), help=help)


def _listed(dtypes: Iterable[DType]) -> str:
    *others, last = (dtype.value for dtype in dtypes)
    return f"{', '.join(others)} and {last}" if others else last


def _check_head_dims(
    statement: Statement, graph: Graph, sizes: Mapping[str, int]
) -> Iterator[Diagnostic]:
    for dim in head_dims(statement, graph):
        unknown = [symbol for symbol in dim.symbols if symbol not in sizes]
        for symbol in unknown:
            message = (
                f"the head dim {dim} of `{statement.name}` has no size: a CUDA kernel keeps a "
                "head in registers and shared memory, and must know how much that is"
            )
            yield Diagnostic("E060", message, _span(statement), help=f"use `--set {symbol}=64`")
        size = None if unknown else dim.value(sizes)
        step = _step(statement, graph)
        if size is not None and (not 1 <= size <= MAX_HEAD_DIM or size % step != 0):
            message = f"the head dim {dim} of `{statement.name}` is {size}"
            help = f"the cuda target takes head dims from {step} to {MAX_HEAD_DIM}"
            if step > 1:
                help += (
                    f" in steps of {step} for numbers of 16 bits, which it loads 16 bytes at once"
                )
            yield Diagnostic("E061", message, _span(statement), help=help)


def _step(statement: Statement, graph: Graph) -> int:
    """What head dims are a multiple of: numbers of 16 bits are loaded 16 bytes at once."""
    op = statement.op
    return 8 if isinstance(op, TiledScores) and graph.types[op.query].dtype in HALVES else 1


def _span(statement: Statement) -> Span | None:
    return statement.origins[0].place if statement.origins else None
