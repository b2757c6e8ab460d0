"""Expressions as Python on PyTorch's tensors: the functions that FlexAttention takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attn_dsl.expr import Binary, Call, Expr, Printer, Tensor, Unary
from attn_dsl.expr.printer import ATOM

HEAD = '''\
import math
import torch


def where(condition, yes, no):
    """torch.where, of numbers too."""
    if isinstance(condition, bool):
        return yes if condition else no
    return torch.where(condition, yes, no)


def gather(tensor, *index):
    """tensor[index]; 0 where an index is out of range."""
    inside = True
    for i, size in zip(index, tensor.shape):
        inside = inside & (i >= 0) & (i < size)
    near = [where(i < 0, 0, where(i < n, i, n - 1)) for i, n in zip(index, tensor.shape)]
    return where(inside, tensor[tuple(near)], 0)
'''


class TorchPrinter(Printer):
    """Python that works on scalar tensors, as FlexAttention calls its functions."""

    operators: ClassVar[Mapping[str, tuple[str, int]]] = {
        **Printer.operators,
        "compare": ("", 1),
        "or": ("|", 2),
        "and": ("&", 3),
    }
    functions: ClassVar[Mapping[str, str]] = {
        "where": "where({0}, {1}, {2})",
        "min": "where(({0}) < ({1}), {0}, {1})",
        "max": "where(({0}) > ({1}), {0}, {1})",
        "floor": "torch.floor(torch.as_tensor({0})).long()",
        "abs": "abs({0})",
    }

    def number(self, value: int | float | bool) -> tuple[str, int]:
        """Infinity has no literal."""
        text, binding = super().number(value)
        return text.replace("inf", "math.inf"), binding

    def render(self, expr: Expr) -> tuple[str, int]:
        """`not` has another spelling."""
        match expr:
            case Unary("not", x):
                return f"~({self.print(x)})", self.operators["negative"][1]
        return super().render(expr)

    def binary(self, expr: Binary) -> tuple[str, int]:
        """`&` and `|` are about conditions alone."""
        if expr.op in ("and", "or"):
            symbol, binding = self.operators[expr.op]
            sides = f" {symbol} ".join(f"({self.print(e)})" for e in (expr.lhs, expr.rhs))
            return sides, binding
        return super().binary(expr)

    def tensor(self, tensor: Tensor) -> str:
        """An element at this score, or one that is gathered."""
        indices = tensor.indices
        if indices is None:
            return f"{tensor.name}[b, h, q, k]"
        return f"gather({', '.join([tensor.name, *map(self.print, indices)])})"

    def call(self, expr: Call) -> tuple[str, int]:
        """A function, applied."""
        arguments = [self.print(a) for a in expr.arguments]
        form = self.functions.get(expr.function, f"torch.{expr.function}(torch.as_tensor({{0}}))")
        return form.format(*arguments), ATOM


def flex_source(score: Expr, mask: Expr) -> str:
    """A module with `score_mod` and `mask_mod`; tensors and sizes are its globals."""
    text = TorchPrinter().print
    return (
        f"{HEAD}\n\ndef score_mod(s, b, h, q, k):\n    return {text(score)}\n"
        f"\n\ndef mask_mod(b, h, q, k):\n    return ({text(mask)}) != 0\n"
    )
