"""Expression tree to text, with no parenthesis that precedence does not need.

A backend prints its own language by a subclass that changes the operators, the names and the
forms that differ there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from attn_dsl.expr.tree import Binary, Call, Compare, Expr, Name, Number, Tensor, Unary

ATOM = 100


class Printer:
    """Print as the language itself writes it. `render` returns text and how tightly it binds."""

    operators: ClassVar[Mapping[str, tuple[str, int]]] = {
        "or": ("or", 1),
        "and": ("and", 2),
        "not": ("not ", 3),
        "compare": ("", 4),
        "+": ("+", 5),
        "-": ("-", 5),
        "*": ("*", 6),
        "/": ("/", 6),
        "//": ("//", 6),
        "%": ("%", 6),
        "@": ("@", 6),
        "negative": ("-", 7),
        "**": ("**", 8),
        "ᵀ": ("ᵀ", 9),
    }

    def print(self, expr: Expr) -> str:
        """The text of `expr`."""
        return self.render(expr)[0]

    def within(self, expr: Expr, least: int) -> str:
        """The text of `expr`, in parentheses if it binds less tightly than `least`."""
        text, binding = self.render(expr)
        return text if binding >= least else f"({text})"

    def render(self, expr: Expr) -> tuple[str, int]:
        """The text of `expr` and its precedence."""
        match expr:
            case Number(value):
                return self.number(value)
            case Name(id):
                return self.name(id), ATOM
            case Tensor():
                return self.tensor(expr), ATOM
            case Unary("ᵀ", x):
                symbol, binding = self.operators["ᵀ"]
                return self.within(x, binding) + symbol, binding
            case Unary(op, x):
                symbol, binding = self.operators["negative" if op == "-" else op]
                return symbol + self.within(x, binding), binding
            case Compare(op, lhs, rhs):
                binding = self.operators["compare"][1]
                return self.infix(op, binding, lhs, rhs, binding + 1, binding + 1)
            case Binary():
                return self.binary(expr)
            case Call():
                return self.call(expr)

    def infix(
        self, symbol: str, binding: int, lhs: Expr, rhs: Expr, left: int, right: int
    ) -> tuple[str, int]:
        """`lhs symbol rhs`, whose sides must bind at least as tightly as `left` and `right`."""
        return f"{self.within(lhs, left)} {symbol} {self.within(rhs, right)}", binding

    def number(self, value: int | float | bool) -> tuple[str, int]:
        """A constant; a negative one binds like the minus sign that it is written with."""
        if isinstance(value, float) and math.isinf(value):
            text = "inf" if value > 0 else "-inf"
        else:
            text = repr(value)
        return text, self.operators["negative"][1] if text.startswith("-") else ATOM

    def name(self, id: str) -> str:
        """An index, the score or a size."""
        return id

    def tensor(self, tensor: Tensor) -> str:
        """An element of a captured tensor."""
        if tensor.indices is None:
            return tensor.name
        return f"{tensor.name}[{', '.join(self.print(i) for i in tensor.indices)}]"

    def binary(self, expr: Binary) -> tuple[str, int]:
        """An arithmetic or logical operation: left-associative, but for `**`."""
        symbol, binding = self.operators[expr.op]
        if expr.op == "**":
            return self.infix(symbol, binding, expr.lhs, expr.rhs, binding + 1, binding - 1)
        return self.infix(symbol, binding, expr.lhs, expr.rhs, binding, binding + 1)

    def call(self, expr: Call) -> tuple[str, int]:
        """A function, applied."""
        return f"{expr.function}({', '.join(self.print(a) for a in expr.arguments)})", ATOM


def to_text(expr: Expr) -> str:
    """`expr` as the language writes it; `parse` reads it back to the same tree."""
    return Printer().print(expr)
