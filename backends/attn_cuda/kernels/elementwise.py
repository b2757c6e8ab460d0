"""Kernels for element-wise operations: a thread for each element, an expression to print."""

from __future__ import annotations

from collections.abc import Mapping

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.sizes import count, tiles
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import product
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
    Expr,
    Name,
    Tensor,
    substitute,
    to_text,
    transform,
    where,
)
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import Cast, Elementwise, Function, Mask, Pointwise, Scale, Score
from attn_dsl.textbuilder import TextBuilder


def element(statement: Statement) -> Expr:
    """What one element of an element-wise operation is."""
    match statement.op:
        case Elementwise(lhs, rhs) as op:
            return Binary(op.symbol, Tensor(lhs), Tensor(rhs))
        case Scale(x, _):
            return Binary("*", Tensor(x), Name("scale"))
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
    raise NotImplementedError(f"the cuda target has no kernel for {statement.op.mnemonic}")


def _of(x: str, function: Expr) -> Expr:
    """An expression of `s`, of the elements of x."""
    return transform(function, lambda e: Tensor(x) if e == SCORE else e)


def map_launch(unit: Unit, statement: Statement) -> Launch:
    """A kernel with a thread for each element."""
    name, value = statement.name, element(statement)
    scale = statement.op.factor if isinstance(statement.op, Scale) else None
    body = TextBuilder()
    _map_body(body, unit, name, value, {"scale": "scale"} if scale else {})
    read = [Operand(v) for v in statement.op.operands if mentions(body.text, v)]
    tensors = [*read, Operand(name, written=True)]
    text, numbers = define(unit, unit.kernels[name], tensors, scale, body.text)
    title = comment(f"{name} = {to_text(substitute(value, {'scale': scale} if scale else {}))}")
    out = TextBuilder()
    remark(out, f"{title}, element by element.")
    blocks = tiles(count(unit.shape(name)), THREADS)
    return Launch(title, unit.kernels[name], out.text + text, blocks, tensors, numbers, scale)


def _map_body(
    out: TextBuilder, unit: Unit, name: str, value: Expr, names: Mapping[str, str]
) -> None:
    shape = unit.shape(name)
    indices = index_names(shape)
    out.line("const long long n = blockIdx.x * (long long)THREADS + threadIdx.x;")
    out.line(f"if (n >= {product(unit, shape)}) return;")
    sizes = [factor(unit, dim) for dim in shape]
    place(out, "n", reversed(list(zip("bhqk", sizes, strict=True))))
    element = CudaPrinter(unit, {**indices, **names}).print(value)
    target = f"{name}.at({', '.join(indices.values())}) ="
    long = len(f"    {target} {element};") > LINE
    out.line(f"{target}\n    {element};" if long else f"{target} {element};")
