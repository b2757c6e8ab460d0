"""Kernels for element-wise operations: a thread for each element, a line for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attn_cuda.cxx.expressions import SINUSOID, CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.sizes import count, tiles
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type, is_half, local_type, product
from attn_cuda.kernels.kernel import (
    LINE,
    THREADS,
    Launch,
    Operand,
    define,
    factor,
    index_names,
    place,
    remark,
)
from attn_dsl.expr import (
    MINUS_INF,
    SCORE,
    Binary,
    Call,
    Expr,
    Name,
    Tensor,
    substitute,
    tensors_in,
    to_text,
    transform,
    walk,
    where,
)
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import (
    Cast,
    Elementwise,
    Embedding,
    Function,
    Mask,
    Pointwise,
    Positions,
    Scale,
    Score,
)
from attn_dsl.textbuilder import TextBuilder

MAPS = (Cast, Elementwise, Embedding, Function, Mask, Pointwise, Positions, Scale, Score)
"""Operations of which each element of the result is an expression."""

SCALE = Name("scale")


def element(statement: Statement) -> Expr:
    """What one element of an element-wise operation is; the factor of a scale is called so."""
    match statement.op:
        case Elementwise(lhs, rhs) as op:
            return Binary(op.symbol, Tensor(lhs), Tensor(rhs))
        case Scale(x, _):
            return Binary("*", Tensor(x), SCALE)
        case Mask(x, keep):
            return where(keep, Tensor(x), MINUS_INF)
        case Cast(x, _):
            return Tensor(x)
        case Function(x) as op:
            return _of(x, type(op).element)
        case Pointwise(value):
            return value
        case Score(x, value):
            return _of(x, value)
        case Positions(x):
            return Binary("+", Tensor(x), Call(SINUSOID, (Tensor(x),)))
        case Embedding(ids, table):
            return Tensor(table, (Tensor(ids), Name("k")))
    raise AssertionError(f"{statement.op.mnemonic} is not element-wise")


def _of(x: str, function: Expr) -> Expr:
    """An expression of `s`, of the elements of x."""
    return transform(function, lambda e: Tensor(x) if e == SCORE else e)


def read_in_place(graph: Graph, statement: Statement) -> list[str]:
    """The operands of which an element is made of the one in the same place, and of no other."""
    value = element(statement)
    indexed = {tensor.name for tensor in gathers(value)}
    whole = [v for v in tensors_in(value, gathered=False) if v not in indexed]
    return [v for v in whole if graph.types[v].dims == statement.type.dims]


def gathers(value: Expr) -> Iterator[Tensor]:
    """The tensors of an expression that are read at other places than the element's own."""
    for node in walk(value):
        if isinstance(node, Tensor) and node.indices is not None:
            yield node


def map_launch(unit: Unit, chain: Sequence[Statement]) -> Launch:
    """A kernel with a thread for each element of what a chain of operations gives."""
    name = chain[-1].name
    kernel, shape = unit.kernels[name], unit.shape(name)
    body = TextBuilder()
    body.line("const long long n = blockIdx.x * (long long)THREADS + threadIdx.x;")
    body.line(f"if (n >= {product(unit, shape)}) return;")
    sizes = [factor(unit, dim) for dim in shape]
    place(body, "n", reversed(list(zip("bhqk", sizes, strict=True))))
    print_chain(body, unit, chain, index_names(shape))
    tensors, scale = operands_of(chain, body.text), scale_of(chain)
    text, numbers = define(unit, kernel, tensors, scale, body.text)
    out = TextBuilder()
    notes = chain_notes(chain)
    remark(out, f"{', '.join(notes)}, element by element.")
    blocks = tiles(count(shape), THREADS)
    title = ", ".join(notes)
    return Launch(title, kernel, out.text + text, blocks, tensors, numbers, scale, notes=notes)


def print_chain(
    out: TextBuilder,
    unit: Unit,
    chain: Sequence[Statement],
    indices: Mapping[str, str],
    first: str = "",
) -> None:
    """Add a line for each operation, of which the last one writes its element.

    `first` is the value of the first one, if that is not element-wise.
    """
    values = {chain[0].name: first} if first else {}
    for statement in chain[len(values) :]:
        scale = {SCALE.id: SCALE.id} if isinstance(statement.op, Scale) else {}
        names = {**indices, **scale}
        printer = CudaPrinter(unit, names, locals=frozenset(values))
        values[statement.name] = printer.print(element(statement))
    for position, statement in enumerate(chain[:-1]):
        if any(mentions(values[later.name], statement.name) for later in chain[position + 1 :]):
            value = _rounded(unit, statement, values[statement.name])
            _assign(out, f"const {local_type(unit, statement.name)} {statement.name} =", value)
    last = chain[-1].name
    _assign(out, f"{last}.at({', '.join(indices.values())}) =", _stored(unit, last, values[last]))


def scale_of(chain: Sequence[Statement]) -> Expr | None:
    """The factor of the one scale that a chain may have."""
    return next((s.op.factor for s in chain if isinstance(s.op, Scale)), None)


def _rounded(unit: Unit, statement: Statement, value: str) -> str:
    """A value between two operations: in float, but where a drawn cast asks for less."""
    if isinstance(statement.op, Cast) and is_half(unit, statement.name):
        return f"float({_stored(unit, statement.name, value)})"
    return value


def _stored(unit: Unit, name: str, value: str) -> str:
    """A value as an element of a tensor."""
    return f"{c_type(unit, name)}({value})" if is_half(unit, name) else value


def _assign(out: TextBuilder, target: str, value: str) -> None:
    long = len(f"        {target} {value};") > LINE
    out.line(f"{target}\n    {value};" if long else f"{target} {value};")


def operands_of(chain: Sequence[Statement], body: str, *first: Operand) -> list[Operand]:
    """The tensors that the body of a chain's kernel reads, then the one that it writes."""
    inside = {s.name for s in chain}
    found = {operand.value: operand for operand in first}
    for statement in chain:
        for value in statement.op.operands:
            if value not in inside and mentions(body, value):
                ids = isinstance(statement.op, Embedding) and value == statement.op.ids
                found.setdefault(value, Operand(value, axes=(1, 2, 3, 0) if ids else (0, 1, 2, 3)))
    return [*found.values(), Operand(chain[-1].name, written=True)]


def chain_notes(chain: Sequence[Statement]) -> tuple[str, ...]:
    """What each operation of a chain computes."""
    return tuple(comment(f"{s.name} = {_said(s)}") for s in chain)


def _said(statement: Statement) -> str:
    op = statement.op
    if isinstance(op, Scale):
        return to_text(substitute(element(statement), {SCALE.id: op.factor}))
    return to_text(element(statement))
