"""Heads that serve several: grouped and shared keys and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import Expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.dims import Dim
from attn_dsl.ir.ops.base import Op, expression, operand
from attn_dsl.ir.types import TensorType, TypeMismatch


@dataclass(frozen=True)
class RepeatHeads(Op):
    """[..., g, n, d] to [..., heads, n, d]: head h is head h // (heads / g) of x.

    So g key heads serve more query heads (grouped-query attention, Ainslie et al. 2023).
    """

    mnemonic: ClassVar[str] = "repeat_heads"

    x: str = operand()
    heads: Expr = expression()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The dim before the last two becomes `heads`, which is a multiple of it."""
        x = types[self.x]
        if len(x.dims) < 3:
            raise TypeMismatch(f"heads are repeated along the third dim from the right of {x}", "x")
        heads = Dim.from_expr(self.heads)
        if heads.constant is not None and x.dims[-3].constant is not None:
            check_groups(heads, x.dims[-3], {})
        return x.with_dims(*x.dims[:-3], heads, *x.dims[-2:])

    def check(self, types: Mapping[str, TensorType], sizes: Mapping[str, int]) -> None:
        """`heads` is a multiple of the heads that there are."""
        check_groups(Dim.from_expr(self.heads), types[self.x].dims[-3], sizes)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's repeat."""
        return repeat_heads(values[self.x], Dim.from_expr(self.heads).value(sizes))


def repeat_heads(x: Array, heads: int) -> Array:
    """`x` [..., g, n, d] with each head as often as it takes for [..., heads, n, d]."""
    return np.repeat(x, heads // max(x.shape[-3], 1), axis=-3)


def check_groups(heads: Dim, groups: Dim, sizes: Mapping[str, int]) -> None:
    """Raise TypeMismatch if not every one of `groups` heads can serve as many of `heads`."""
    many, few = heads.value(sizes), groups.value(sizes)
    if many % few if few else many:
        said = f"{_said(heads, many)} query heads are no multiple of {_said(groups, few)} key heads"
        raise TypeMismatch(said, "x")


def _said(dim: Dim, size: int) -> str:
    return str(size) if dim.constant == size else f"{dim} = {size}"
