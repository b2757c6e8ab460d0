"""Expressions as Python: on scalars, for what is asked of a tile, and on arrays of scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from attn_dsl.expr import (
    SCORE,
    Binary,
    Call,
    Compare,
    Expr,
    Kind,
    Name,
    Number,
    Printer,
    Tensor,
    Unary,
    children,
    is_positive,
    kind_of,
    names_in,
    tensors_in,
    walk,
)
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import DType

IN_A_TILE = frozenset("sqk")
"""The names that are arrays in a tile; sizes, `b` and `h` are Python numbers."""


class PythonPrinter(Printer):
    """What both have in common: infinity has no literal."""

    def number(self, value: int | float | bool) -> tuple[str, int]:
        """A constant."""
        text, binding = super().number(value)
        return text.replace("inf", "np.inf"), binding


class ScalarPrinter(PythonPrinter):
    """Python numbers: sizes and tile borders. Where Python would raise, NumPy gives inf or nan."""

    functions: ClassVar[Mapping[str, str]] = {
        "min": "min({}, {})",
        "max": "max({}, {})",
        "abs": "abs({})",
        "tanh": "math.tanh({})",
        "floor": "np.floor({}).astype(np.int64).item()",
        "exp": "float(np.exp({}))",
        "sqrt": "float(np.sqrt({}))",
        "log": "float(np.log({}))",
    }
    defined: ClassVar[Mapping[str, str]] = {
        "sqrt": "math.sqrt({})",
        "log": "math.log({})",
        "floor": "math.floor({})",
    }
    divisions: ClassVar[Mapping[str, str]] = {
        "/": "float(np.divide({}, {}))",
        "//": "np.floor_divide({}, {}).item()",
        "%": "np.remainder({}, {}).item()",
        "**": "np.power({}, {}, dtype=float).item()",
    }

    def binary(self, expr: Binary) -> tuple[str, int]:
        """`and` and `or` of conditions; divisions by what may be 0, powers of what may be less."""
        op, lhs, rhs = expr.op, expr.lhs, expr.rhs
        if op in ("and", "or"):
            return super().binary(Binary(op, _condition(lhs), _condition(rhs)))
        if op in self.divisions and not _is_defined(expr):
            return self.divisions[op].format(self.print(lhs), self.print(rhs)), ATOM
        return super().binary(expr)

    def call(self, expr: Call) -> tuple[str, int]:
        """`min`, `max`, `abs` are Python's own, the others `math`'s; a condition is an `if`."""
        function, arguments = expr.function, [self._number(a) for a in expr.arguments]
        if function == "where":
            condition, *arms = expr.arguments
            show = self.print if kind_of(expr, {}) is Kind.BOOL else self._number
            return f"({show(arms[0])} if {self.print(condition)} else {show(arms[1])})", ATOM
        if function == "sigmoid":
            return f"0.5 * (1 + math.tanh(0.5 * ({arguments[0]})))", self.operators["*"][1]
        if function in self.defined and _is_defined(expr):
            return self.defined[function].format(*arguments), ATOM
        return self.functions[function].format(*arguments), ATOM

    def _number(self, expr: Expr) -> str:
        """True as 1: NumPy takes roots of booleans in 16 bits, and Python's `min` gives them."""
        text = self.print(expr)
        return f"int({text})" if kind_of(expr, {}) is Kind.BOOL else text


def _condition(expr: Expr) -> Expr:
    """Of a number, whether it is not 0: Python's `and` would give the number."""
    return expr if kind_of(expr, {}) is Kind.BOOL else Compare("!=", expr, Number(0))


def _is_defined(expr: Expr) -> bool:
    """Whether Python's own operator or function is sure to give a finite number here."""
    match expr:
        case Binary("**", _, Number(int(exponent))) if exponent >= 0:
            return True
        case Binary("**", lhs, _):
            return is_positive(lhs)
        case Binary("/" | "//" | "%", _, rhs):
            return is_positive(rhs) or (isinstance(rhs, Number) and rhs.value != 0)
        case Call("sqrt" | "log", (x,)):
            return is_positive(x)
        case Call("floor", (x,)):
            return all(map(_is_defined, walk(x)))
        case Number(value):
            return math.isfinite(value)
    return not isinstance(expr, Call) or expr.function != "exp"


@dataclass(frozen=True)
class Arrays:
    """What the names in an expression stand for.

    `dtypes` are those of the captured tensors; `element` prints one without indices, and `read`
    what was read of one. `names` are those that stand for arrays, and `scores` is what the scores
    are called.
    """

    dtypes: Mapping[str, DType]
    element: Callable[[str], str]
    names: frozenset[str] = IN_A_TILE
    scores: str = "scores"
    read: Callable[[str, str], str] = lambda text, name: text


class ArrayPrinter(PythonPrinter):
    """NumPy arrays that broadcast to scores.

    Arithmetic is 64-bit, so arrays of 32 bits are widened; comparisons need no more bits.
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
        "sigmoid": "sigmoid({})",
        "floor": "np.floor({}).astype(np.int64)",
    }

    def __init__(self, given: Arrays) -> None:
        self._given, self._dtypes = given, given.dtypes
        self._kinds = {name: dtype.kind for name, dtype in given.dtypes.items()}

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
            case Compare(op, lhs, rhs):
                binding = self.operators["compare"][1]
                sides = [self._compared(side, binding + 1) for side in (lhs, rhs)]
                return f" {op} ".join(sides), binding
        return super().render(expr)

    def binary(self, expr: Binary) -> tuple[str, int]:
        """NumPy has operators of its own for booleans, and no negative powers of integers."""
        symbol, binding = self.operators[expr.op]
        lhs, rhs = expr.lhs, expr.rhs
        if expr.op in ("and", "or"):
            sides = [self._condition(side, binding) for side in (lhs, rhs)]
            return f" {symbol} ".join(sides), binding
        if expr.op == "**":
            lhs = self._counted(lhs)
        if expr.op == "**" and kind_of(expr, self._kinds) > kind_of(lhs, self._kinds):
            convert = "float" if self._is_scalar(lhs) else "np.float64"
            return f"{convert}({self.print(lhs)}) ** {self.within(rhs, binding - 1)}", binding
        if self._is_boolean(rhs):
            lhs = self._counted(lhs)
        return super().binary(Binary(expr.op, lhs, rhs))

    def _compared(self, expr: Expr, least: int) -> str:
        if isinstance(expr, Tensor) and expr.indices is None:
            return self._given.element(expr.name)
        return self.within(expr, least)

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
        return not tensors_in(expr) and not names_in(expr) & self._given.names

    def name(self, id: str) -> str:
        """The score is called what the module calls it."""
        return self._given.scores if id == "s" else id

    def tensor(self, tensor: Tensor) -> str:
        """The tile of a tensor that belongs to the scores, or a gather."""
        if tensor.indices is None:
            widened = ".astype(np.int64)" * (self._dtypes[tensor.name] is DType.I32)
            return self._given.read(self._given.element(tensor.name) + widened, tensor.name)
        indices = ", ".join(map(self.print, tensor.indices))
        return self._given.read(f"gather({tensor.name}, {indices})", tensor.name)

    def call(self, expr: Call) -> tuple[str, int]:
        """NumPy's functions."""
        form = self.functions[expr.function]
        if expr.function == "where":
            return form.format(*(self.print(a) for a in expr.arguments)), ATOM
        first, *rest = (self._counted(expr.arguments[0]), *expr.arguments[1:])
        return form.format(self.print(first), *(self.print(a) for a in rest)), ATOM


def keeps_dtype(
    expr: Expr, dtypes: Mapping[str, DType], dtype: DType, arrays: frozenset[str] = IN_A_TILE
) -> bool:
    """Whether NumPy gives `expr` in `dtype`: whole numbers in arrays make it widen real ones.

    `dtypes` are those of the tensors, `arrays` the names that stand for arrays.
    """
    kinds = {name: known.kind for name, known in dtypes.items()}

    def is_array(part: Expr) -> bool:
        return bool(tensors_in(part) or names_in(part) & arrays)

    def keeps(part: Expr) -> bool:
        kind = kind_of(part, kinds)
        if not is_array(part) or kind is Kind.BOOL:
            return True
        match part:
            case Tensor(name):
                return dtypes[name] is dtype
            case Name():
                return part == SCORE
            case Call("where", (_, *parts)):
                pass
            case _:
                parts = list(children(part))
        real = any(is_array(p) and kind_of(p, kinds) is Kind.FLOAT for p in parts)
        return kind is Kind.FLOAT and real and all(map(keeps, parts))

    if kind_of(expr, kinds) is not dtype.kind or not is_array(expr):
        return False
    return dtype is DType.I64 or (dtype is not DType.I32 and keeps(expr))
