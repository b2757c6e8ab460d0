"""Kernels for element-wise operations: a thread for each element, an expression to print."""

from __future__ import annotations

from collections.abc import Mapping

from attn_cuda.expressions import CudaPrinter
from attn_cuda.helpers import mentions
from attn_cuda.kernel import (
    KERNEL,
    Launch,
    Operand,
    factor,
    index_names,
    parameter,
    place,
    remark,
    signature,
    used_sizes,
)
from attn_cuda.names import comment
from attn_cuda.unit import Unit
from attn_cuda.views import product
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
from attn_dsl.ir.ops import Elementwise, Mask, Scale, Score
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
        case Score(x, value):
            return transform(value, lambda e: Tensor(x) if e == SCORE else e)
    raise NotImplementedError(f"the cuda target has no kernel for {statement.op.mnemonic}")


def map_launch(unit: Unit, statement: Statement) -> Launch:
    """A kernel with a thread for each element."""
    name, value = statement.name, element(statement)
    factors = [statement.op.factor] if isinstance(statement.op, Scale) else []
    body = TextBuilder()
    _map_body(body, unit, name, value, {"scale": "scale"} if factors else {})
    read = [Operand(v) for v in statement.op.operands if mentions(body.text, v)]
    operands = [*read, Operand(name, written=True)]
    sizes = used_sizes(unit, body.text)
    parameters = [
        *(parameter(unit, operand, operand.value) for operand in operands),
        *("float scale" for _ in factors),
        *(f"long long {size}" for size in sizes),
    ]
    shown = substitute(value, {"scale": factors[0]} if factors else {})
    title = comment(f"{name} = {to_text(shown)}")
    kernel = unit.kernels[name]
    out = TextBuilder()
    remark(out, f"{title}, element by element.")
    with out.block(signature(f"{KERNEL}\n{kernel}", parameters, " {"), "}"):
        out.lines(body.text.splitlines())
    scale = [f"float({CudaPrinter(unit).print(f)})" for f in factors]
    blocks = f"({product(unit, unit.shape(name))} + THREADS - 1) / THREADS"
    return Launch(title, kernel, out.text, blocks, operands, (*scale, *sizes))


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
    out.line(f"{name}.at({', '.join(indices.values())}) = {element};")
