"""Matrix products, and what becomes of each of their elements: a bias, a function, a sum."""

from __future__ import annotations

from collections.abc import Sequence

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.sizes import tiles, times
from attn_cuda.cxx.unit import Shape, Unit
from attn_cuda.cxx.views import c_type, is_half
from attn_cuda.kernels.elementwise import (
    chain_notes,
    operands_of,
    print_chain,
    scale_of,
)
from attn_cuda.kernels.kernel import Launch, Operand, define, remark, signature
from attn_dsl.expr import FALSE, TRUE, Expr, Tensor, where
from attn_dsl.ir import Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Linear, MatMul
from attn_dsl.textbuilder import TextBuilder

PRODUCTS = (Linear, MatMul)
TILES = {"tile_product": 64, "mma_product_f16": 128, "mma_product_bf16": 128}
"""The functions that multiply, and how many rows and columns a block of each computes."""
SWAPPED = (0, 1, 3, 2)
PLACES = {name: name for name in "bhqk"}
NUMBERS = ("heads", "rows", "columns", "inner")


def product_launch(unit: Unit, chain: Sequence[Statement], joined: Expr) -> Launch:
    """The product that a chain begins with, and in the same kernel the rest of the chain.

    Where `joined` holds, the rows of all heads and batches lie evenly, and are one matrix.
    """
    name, (lhs, rhs) = chain[-1].name, factors(chain[0])
    kernel = unit.kernels[name]
    body = TextBuilder()
    place = "[&](long long b, long long h, long long q, long long k, float product)"
    function = _function(unit, lhs.value, rhs.value)
    call = signature(function, [lhs.value, rhs.value, *NUMBERS, place], " {")
    with body.block(call.removesuffix(") {") + " {", "});"):
        print_chain(body, unit, chain, PLACES, _first(unit, chain[0]))
    tensors, scale = operands_of(chain, body.text, lhs, rhs), scale_of(chain)
    text, sizes = define(unit, kernel, tensors, scale, body.text, given=NUMBERS)
    batch, heads, rows, columns = matrix_sizes(unit.shape(name), joined)
    inner = unit.graph.types[lhs.value].dims[-1].to_expr()
    across, down = (tiles(size, TILES[function]) for size in (columns, rows))
    numbers = [heads, rows, columns, inner, *sizes]
    notes = product_notes(chain)
    out = TextBuilder()
    remark(out, f"{', '.join(notes)}.")
    return Launch(
        title=", ".join(notes),
        kernel=kernel,
        text=out.text + text,
        blocks=times(across, down, heads, batch),
        tensors=tensors,
        numbers=numbers,
        scale=scale,
        architecture=75 if function == "tile_product" else 80,
        notes=notes,
    )


def factors(statement: Statement) -> tuple[Operand, Operand]:
    """Both sides of a product; the rows of a layer's weight are columns of the right one."""
    op = statement.op
    if isinstance(op, Linear):
        return Operand(op.x), Operand(op.weight, axes=SWAPPED)
    assert isinstance(op, MatMul)
    return Operand(op.lhs), Operand(op.rhs)


def _function(unit: Unit, lhs: str, rhs: str) -> str:
    """What multiplies: tensor cores, where both sides have the same 16 bits."""
    element = c_type(unit, lhs)
    on_tensor_cores = is_half(unit, lhs) and element == c_type(unit, rhs)
    return f"mma_product_{element}" if on_tensor_cores else "tile_product"


def _first(unit: Unit, statement: Statement) -> str:
    """The element of the product itself, with the bias of a layer."""
    bias = statement.op.bias if isinstance(statement.op, Linear) else ""
    return f"product + {CudaPrinter(unit, PLACES).print(Tensor(bias))}" if bias else "product"


def product_notes(chain: Sequence[Statement]) -> tuple[str, ...]:
    """What each operation of a chain computes, of which the first is a product."""
    return (comment(_said(chain[0])), *chain_notes(chain[1:]))


def _said(statement: Statement) -> str:
    op = statement.op
    if isinstance(op, Linear):
        bias = f" + {op.bias}" if op.bias else ""
        return f"{statement.name} = {op.x} {op.weight}\N{MODIFIER LETTER CAPITAL T}{bias}"
    assert isinstance(op, MatMul)
    return f"{statement.name} = {op.lhs} {op.rhs}"


def matrix_sizes(shape: Shape, joined: Expr) -> list[Expr]:
    """Batches, heads, rows and columns as the kernel walks them."""
    batch, heads, rows, columns = shape
    apart = [dim.to_expr() for dim in shape]
    as_one = [dim.to_expr() for dim in (ONE, ONE, batch * heads * rows, columns)]
    return [_either(joined, one, many) for one, many in zip(as_one, apart, strict=True)]


def _either(condition: Expr, yes: Expr, no: Expr) -> Expr:
    if yes == no or condition == TRUE:
        return yes
    return no if condition == FALSE else where(condition, yes, no)
