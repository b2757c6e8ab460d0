"""Numbers that follow from the sizes: values that the launcher's C computes, and Python too.

They are expressions over the unit's size symbols. Sizes are never negative, so `//` and `%` of
them are C's `/` and `%`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.unit import Unit
from attn_dsl.expr import Binary, Compare, Expr, Number, evaluate
from attn_dsl.ir import Dim


def count(dims: Iterable[Dim]) -> Expr:
    """How many elements a tensor of these dims has: their product, its constants last."""
    dims = tuple(dims)
    constant = math.prod(dim.constant for dim in dims if dim.constant is not None)
    factors = [dim.to_expr() for dim in dims if dim.constant is None]
    return times(*factors, Number(constant))


def times(*factors: Expr) -> Expr:
    """The product, in this order, without the ones."""
    needed = [factor for factor in factors if factor != Number(1)]
    product = needed[0] if needed else Number(1)
    for factor in needed[1:]:
        product = Binary("*", product, factor)
    return product


def tiles(length: Expr, tile: int) -> Expr:
    """How many tiles cover a length."""
    return Binary("//", Binary("+", length, Number(tile - 1)), Number(tile))


def divides(many: Dim, few: Dim) -> tuple[Expr, ...]:
    """The condition that the first number of heads is a multiple of the second."""
    if many.constant is not None and few.constant is not None:
        return ()  # the types would not fit
    positive = Compare("!=", few.to_expr(), Number(0))
    rest = Binary("%", many.to_expr(), few.to_expr())
    return (Binary("and", positive, Compare("==", rest, Number(0))),)


def print_size(unit: Unit, expr: Expr) -> str:
    """The expression in C."""
    return replace(CudaPrinter(unit), of_sizes=True).print(expr)


def value_of(expr: Expr, sizes: Mapping[str, int]) -> int:
    """The number, or whether the condition holds, where all sizes are known."""
    return int(evaluate(expr, sizes, {}))
