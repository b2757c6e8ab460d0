"""Expressions as Python: on scalars, for what is asked of a tile, and on arrays of scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from attn_dsl.expr import (
    Binary,
    Call,
    Expr,
    Kind,
    Number,
    Printer,
    Tensor,
    Unary,
    kind_of,
    names_in,
    tensors_in,
)
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import DType

IN_A_TILE = frozenset("sqk")
"""The names that are arrays in a tile; sizes, `b` and `h` are Python numbers."""


def widened(dtype: DType) -> str:
    """What is put after an array of `dtype`, so that index arithmetic is 64-bit."""
    return ".astype(np.int64)" if dtype is DType.I32 else ""


class PythonPrinter(Printer):
    """What both have in common: infinity has no literal."""

    def number(self, value: int | float | bool) -> tuple[str, int]:
        """A constant."""
        text, binding = super().number(value)
        return text.replace("inf", "np.inf"), binding


class ScalarPrinter(PythonPrinter):
    """Python numbers: sizes and tile borders."""

    def call(self, expr: Call) -> tuple[str, int]:
        """`min`, `max`, `abs` are Python's own, the others `math`'s; a condition is an `if`."""
        arguments = [self.print(a) for a in expr.arguments]
        match expr.function:
            case "min" | "max" | "abs" as function:
                return f"{function}({', '.join(arguments)})", ATOM
            case "where":
                return "({1} if {0} else {2})".format(*arguments), ATOM
            case "sigmoid":
                return f"0.5 * (1 + math.tanh(0.5 * ({arguments[0]})))", self.operators["*"][1]
            case function:
                return f"math.{function}({arguments[0]})", ATOM


class ArrayPrinter(PythonPrinter):
    """NumPy arrays that broadcast to scores.

    `kinds` are those of the captured tensors, and `element` prints one without indices;
    `arrays` are the names that stand for arrays, and `scores` is what the scores are called.
    """

    operators: ClassVar[Mapping[str, tuple[str, int]]] = {
        **Printer.operators,
        # NumPy's logical operators bind more tightly than comparisons.
        "compare": ("", 1),
        "or": ("|", 2),
        "and": ("&", 3),
    }
    functions: ClassVar[Mapping[str, str]] = {
        "where": "np.where({}, {}, {})",
        "min": "np.minimum({}, {})",
        "max": "np.maximum({}, {})",
        "abs": "np.abs({})",
        "exp": "np.exp({})",
        "log": "np.log({})",
        "sqrt": "np.sqrt({})",
        "tanh": "np.tanh({})",
        "sigmoid": "0.5 * (1 + np.tanh(0.5 * {}))",
        "floor": "np.floor({}).astype(np.int64)",
    }

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        element: Callable[[str], str],
        arrays: frozenset[str] = IN_A_TILE,
        scores: str = "scores",
    ) -> None:
        self._kinds, self._element, self._arrays, self._scores = kinds, element, arrays, scores

    def render(self, expr: Expr) -> tuple[str, int]:
        """What holds no array is Python's; `~` of a Python bool would be a number."""
        if self._is_scalar(expr):
            text, binding = ScalarPrinter().render(expr)
            return text, binding if binding > ScalarPrinter.operators["compare"][1] else 0
        match expr:
            case Unary("not", x):
                return f"np.logical_not({self.print(x)})", ATOM
            case Unary(_, x) if self._is_boolean(x):
                return f"-1 * {self.within(x, 7)}", self.operators["*"][1]
        return super().render(expr)

    def binary(self, expr: Binary) -> tuple[str, int]:
        """NumPy has operators of its own for booleans, and no negative powers of integers."""
        symbol, binding = self.operators[expr.op]
        lhs, rhs = expr.lhs, expr.rhs
        if expr.op in ("and", "or"):
            sides = [self._condition(side, binding) for side in (lhs, rhs)]
            return f" {symbol} ".join(sides), binding
        if expr.op == "**" and kind_of(expr, self._kinds) > kind_of(lhs, self._kinds):
            convert = "float" if self._is_scalar(lhs) else "np.float64"
            return f"{convert}({self.print(lhs)}) ** {self.within(rhs, binding - 1)}", binding
        if self._is_boolean(rhs):
            lhs = self._counted(lhs)
        return super().binary(Binary(expr.op, lhs, rhs))

    def _condition(self, expr: Expr, least: int) -> str:
        """`expr` as a boolean, since `&` and `|` of numbers go bit by bit."""
        if self._is_boolean(expr):
            return self.within(expr, least)
        return f"({self.within(expr, self.operators['or'][1])} != 0)"

    def _counted(self, expr: Expr) -> Expr:
        """True as 1: arithmetic on NumPy's booleans is no arithmetic."""
        return Binary("*", Number(1), expr) if self._is_boolean(expr) else expr

    def _is_boolean(self, expr: Expr) -> bool:
        return kind_of(expr, self._kinds) is Kind.BOOL

    def _is_scalar(self, expr: Expr) -> bool:
        return not tensors_in(expr) and not names_in(expr) & self._arrays

    def name(self, id: str) -> str:
        """The score is called what the module calls it."""
        return self._scores if id == "s" else id

    def tensor(self, tensor: Tensor) -> str:
        """The tile of a tensor that belongs to the scores, or a gather."""
        if tensor.indices is None:
            return self._element(tensor.name)
        indices = ", ".join(self.print(index) for index in tensor.indices)
        return f"gather({tensor.name}, {indices})"

    def call(self, expr: Call) -> tuple[str, int]:
        """NumPy's functions."""
        form = self.functions[expr.function]
        if expr.function == "where":
            return form.format(*(self.print(a) for a in expr.arguments)), ATOM
        first, *rest = (self._counted(expr.arguments[0]), *expr.arguments[1:])
        if expr.function == "sigmoid":
            return form.format(self.within(first, 7)), self.operators["*"][1]
        return form.format(self.print(first), *(self.print(a) for a in rest)), ATOM
