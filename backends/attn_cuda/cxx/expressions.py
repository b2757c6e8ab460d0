"""Expressions in C++: Python's meaning, in 64-bit integers and in float where scores are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.unit import HALVES, Unit, is_optional
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
    kind_of,
    walk,
)
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import Dim, DType

TERNARY, OR, AND, UNARY = 0, 1, 2, 7

SINUSOID = "sinusoid"
"""A function that no diagram says: of a tensor, the positional encoding at an element's place."""


@dataclass(frozen=True)
class CudaPrinter(Printer):
    """Prints the expressions of one kernel.

    `names`: what indices and the score are called there; sizes have their names from `unit`.
    `given`: optional tensors that were found to be there; `locals`: those of which the element is
    in a variable of that name. `single`: whether real numbers are
    float here, because a score or a float tensor is among them, and not double. `ranges`: the
    variables that stand for ranges, with their kinds. `of_sizes`: whether all is made of sizes,
    which are never negative, so that C divides them as Python does.
    """

    unit: Unit
    names: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    locals: frozenset[str] = frozenset()
    single: bool = False
    ranges: Mapping[str, Kind] = field(default_factory=dict)
    of_sizes: bool = False

    operators: ClassVar[Mapping[str, tuple[str, int]]] = {
        **Printer.operators,
        "or": ("||", OR),
        "and": ("&&", AND),
        "not": ("!", UNARY),
    }

    def print(self, expr: Expr) -> str:
        """The text of `expr`, its constant parts computed."""
        expr = fold(expr)
        return replace(self, single=self._has_single(expr)).render(expr)[0]

    def dim(self, dim: Dim) -> tuple[str, int]:
        """A size, and how tightly it binds: no name in it is an index."""
        return replace(self, names={}).render(dim.to_expr())

    def is_wide(self, expr: Expr) -> bool:
        """Whether C computes the whole number `expr` in 64 bits, as numbers of a head are."""
        is_range = isinstance(expr, Tensor) and expr.name in self.ranges
        return is_range or self._bits(expr) == 64

    def render(self, expr: Expr) -> tuple[str, int]:
        """As Printer, each part in the precision that its operands have."""
        single = self._has_single(expr)
        if self.single and not single and self._is_real(expr) and not isinstance(expr, Number):
            return f"float({replace(self, single=False).render(expr)[0]})", ATOM
        match expr:
            case Compare() if self.single != single:
                return replace(self, single=single).render(expr)
            case Unary("not", x):
                return f"!{self._condition(x, UNARY)}", UNARY
            case Unary(_, x):
                wide = "(long long)" * (self._bits(x) == 32 and not self._is_real(x))
                return f"-{wide}{self.within(x, UNARY + 1)}", UNARY
        return super().render(expr)

    def _kind(self, expr: Expr) -> Kind:
        return kind_of(expr, {**self.unit.kinds, **self.ranges})

    def _is_real(self, expr: Expr) -> bool:
        return self._kind(expr) is Kind.FLOAT

    def _bits(self, expr: Expr) -> int:
        """How wide C computes the whole number `expr`: 64 bits, 32, or far fewer than it has."""
        match expr:
            case Number(value):
                return 16 if abs(value) < 2**15 else 32 if abs(value) < 2**31 else 64
            case Name(id) if id in self.names:
                return 16 if self.names[id] == "0" else 64
            case Name(id) if id in self.unit.constants:
                return self._bits(Number(self.unit.constants[id]))
            case Name():
                return 64
            case Tensor(name) if name in self.ranges:
                return 32  # at least
            case Tensor(name) if self.unit.graph.types[name].dtype is DType.I32:
                return 32
            case Call("where", (_, yes, no)):
                return max(self._bits(yes), self._bits(no))
            case Unary("-", x):
                return 64 if self._bits(x) > 16 else 32
            case Binary("+" | "-" | "*", lhs, rhs):
                return 64 if max(self._bits(lhs), self._bits(rhs)) > 16 else 32
        return 16 if self._kind(expr) is Kind.BOOL else 64

    def _has_single(self, expr: Expr) -> bool:
        return any(
            node == SCORE or (isinstance(node, Tensor) and self._is_real(node))
            for node in walk(expr)
        )

    def _condition(self, expr: Expr, least: int) -> str:
        """A truth value: of a number, whether it is not 0."""
        if self._kind(expr) is not Kind.BOOL:
            expr = Compare("!=", expr, Number(0))
        if least == OR and isinstance(expr, Binary) and expr.op == "and":
            least = AND + 1  # compilers warn of a && b || c
        return replace(self, single=self._has_single(expr)).within(expr, least)

    def _real(self, expr: Expr) -> str:
        """An argument of a function of doubles, or of floats."""
        text, _ = self.render(expr)
        return text if self._is_real(expr) else f"double({text})"

    def number(self, value: int | float | bool) -> tuple[str, int]:
        """A constant with the suffix that its type needs."""
        if isinstance(value, bool):
            return ("true" if value else "false"), ATOM
        if isinstance(value, float) and not math.isfinite(value):
            text = "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
        else:
            text = repr(value) + "f" * (isinstance(value, float) and self.single)
        return text, UNARY if text.startswith("-") else ATOM

    def name(self, id: str) -> str:
        """An index or the score as it is called here, a size by its C name."""
        return self.names.get(id) or self.unit.symbols.get(id, id)

    def tensor(self, tensor: Tensor) -> str:
        """An element of a captured tensor: at this score, or at the indices given."""
        if tensor.name in self.ranges or (tensor.indices is None and tensor.name in self.locals):
            return tensor.name
        if tensor.indices is not None:
            dims = self.unit.graph.types[tensor.name].dims
            sizes = [self.dim(dim)[0] for dim in dims]
            places = [replace(self, single=False).print(index) for index in tensor.indices]
            return self._widened(tensor, f"gather({', '.join([tensor.name, *sizes, *places])})")
        places = [self.names[i] for i in ("b", "h", "q", "k")]
        element = self._widened(tensor, f"{tensor.name}.at({', '.join(places)})")
        statement = self.unit.graph.table[tensor.name]
        if not is_optional(statement) or tensor.name in self.given:
            return element
        neutral = "true" if self._kind(tensor) is Kind.BOOL else "0"
        return f"({tensor.name}.data != nullptr ? {element} : {neutral})"

    def _widened(self, tensor: Tensor, element: str) -> str:
        """Numbers of 16 bits are computed with as floats."""
        is_half = self.unit.graph.types[tensor.name].dtype in HALVES
        return f"float({element})" if is_half else element

    def binary(self, expr: Binary) -> tuple[str, int]:
        """Logic on truth values; division, remainder and power as Python has them."""
        op, lhs, rhs = expr.op, expr.lhs, expr.rhs
        match op:
            case "or" | "and":
                symbol, binding = self.operators[op]
                sides = self._condition(lhs, binding), self._condition(rhs, binding)
                return f"{sides[0]} {symbol} {sides[1]}", binding
            case "/" if not self._is_real(lhs) and not self._is_real(rhs):
                return f"{self._real(lhs)} / {self.within(rhs, UNARY)}", 6
            case "//" | "%" if self._is_real(expr):
                name = "real_divide" if op == "//" else "real_modulo"
                text = replace(self, single=False)._call(name, lhs, rhs)
                return (f"float({text})" if self.single else text), ATOM
            case "//" | "%" if self.of_sizes:
                return self.infix(op[0], 6, lhs, rhs, 6, 7)
            case "//" | "%":
                return self._call("floor_divide" if op == "//" else "floor_modulo", lhs, rhs), ATOM
            case "**" if self._is_real(expr):
                return self._real_call("pow", lhs, rhs), ATOM
            case "**":
                return self._call("power", lhs, rhs), ATOM
            case "+" | "-" | "*" if not self._is_real(expr):
                return self._whole(expr)
        return super().binary(expr)

    def _whole(self, expr: Binary) -> tuple[str, int]:
        """A sum, difference or product in 64 bits, even where C would take 32 for both sides."""
        if max(self._bits(expr.lhs), self._bits(expr.rhs)) != 32:
            return super().binary(expr)
        symbol, binding = self.operators[expr.op]
        lhs, rhs = self.within(expr.lhs, UNARY), self.within(expr.rhs, binding + 1)
        return f"(long long){lhs} {symbol} {rhs}", binding

    def call(self, expr: Call) -> tuple[str, int]:
        """A function, by the name that C has for its type of argument."""
        function, arguments = expr.function, expr.arguments
        match function, arguments:
            case "where", (condition, yes, no):
                parts = self._condition(condition, OR), self.within(yes, OR), self.within(no, OR)
                return "{} ? {} : {}".format(*parts), TERNARY
            case "sinusoid", (Tensor(x),):
                width = self.dim(self.unit.graph.types[x].dims[-1])[0]
                return f"float(sinusoid({self.names['q']}, {self.names['k']}, {width}))", ATOM
            case "sigmoid", (x,):  # far below 0 exp(-x) is infinite, and this is 0
                small = Call("exp", (Unary("-", x),))
                return self.render(Binary("/", Number(1.0), Binary("+", Number(1.0), small)))
            case "floor", (x,):
                if not self._is_real(x):
                    return self.render(x)
                part = replace(self, single=self._has_single(x))
                return f"(long long){part._real_call('floor', x)}", UNARY
            case (("abs" | "min" | "max"), _) if not self._is_real(expr):
                name = {"abs": "llabs", "min": "smaller", "max": "larger"}[function]
                return self._call(name, *arguments), ATOM
        return self._real_call(function, *arguments), ATOM

    def _call(self, name: str, *arguments: Expr) -> str:
        return f"{name}({', '.join(self.render(a)[0] for a in arguments)})"

    def _real_call(self, function: str, *arguments: Expr) -> str:
        """`expf` and its like on floats, `exp` on doubles."""
        name = {"abs": "fabs", "min": "fmin", "max": "fmax"}.get(function, function)
        if self.single:
            return self._call(name + "f", *arguments)
        return f"{name}({', '.join(self._real(a) for a in arguments)})"
