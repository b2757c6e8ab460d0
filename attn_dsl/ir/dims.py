"""Sizes as polynomials over symbols: `64`, `N`, `H*D`, `N + 1`, `E // 8`.

A polynomial has one normal form, so two dims are the same size for every value of their symbols
exactly when they are equal here. A division by a number is exact: 8 * (E // 8) is E, and an E that
is no multiple of 8 is an error where E gets its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import lcm

from attn_dsl.expr import Binary, Expr, Name, Number, Unary, to_text

Monomial = tuple[str, ...]
MAX_TERMS = 1000
MAX_DEGREE = 20


@dataclass(frozen=True)
class Dim:
    """A sum of terms; each is a product of symbols (sorted) and its coefficient."""

    terms: tuple[tuple[Monomial, int | Fraction], ...]

    @staticmethod
    def of(value: int | str) -> Dim:
        """A constant or a symbol."""
        return Dim._normal({(value,): 1} if isinstance(value, str) else {(): value})

    @staticmethod
    def _normal(terms: Mapping[Monomial, int | Fraction]) -> Dim:
        whole = ((m, int(c) if c == int(c) else c) for m, c in terms.items() if c)
        return Dim(tuple(sorted(whole)))

    @staticmethod
    def from_expr(expr: Expr) -> Dim:
        """Numbers, symbols, + - *, // and ** by a number; ValueError for anything else."""
        match expr:
            case Number(int(value)) if not isinstance(value, bool):
                return Dim.of(value)
            case Name(id):
                return Dim.of(id)
            case Binary("+", lhs, rhs):
                return Dim.from_expr(lhs) + Dim.from_expr(rhs)
            case Binary("-", lhs, rhs):
                return Dim.from_expr(lhs) + Dim.from_expr(rhs) * Dim.of(-1)
            case Binary("*", lhs, rhs):
                return _product(Dim.from_expr(lhs), Dim.from_expr(rhs))
            case Binary("**", lhs, Number(int(power))) if 0 <= power <= MAX_DEGREE:
                return reduce(_product, [Dim.from_expr(lhs)] * power, ONE)
            case Unary("-", x):
                return Dim.from_expr(x) * Dim.of(-1)
            case Binary("//" | "/", lhs, Number(int(divisor))) if divisor > 0:
                return Dim.from_expr(lhs) / divisor
        message = "sizes are made of numbers and symbols by + - *, and by // and ** with a number"
        raise ValueError(f"`{to_text(expr)}` is no size: {message}")

    def __add__(self, other: Dim) -> Dim:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms:
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return Dim._normal(terms)

    def __mul__(self, other: Dim) -> Dim:
        terms: dict[Monomial, int | Fraction] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                product = tuple(sorted(left + right))
                terms[product] = terms.get(product, 0) + a * b
        return Dim._normal(terms)

    def __truediv__(self, divisor: int) -> Dim:
        """The exact quotient."""
        return Dim._normal({m: Fraction(c) / divisor for m, c in self.terms})

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, each once, sorted."""
        return tuple(sorted({symbol for monomial, _ in self.terms for symbol in monomial}))

    @cached_property
    def symbol(self) -> str | None:
        """Its name, if it is a symbol and no more."""
        match self.terms:
            case (((str(name),), 1),):
                return name
        return None

    @property
    def is_divided(self) -> bool:
        """Whether there are sizes of its symbols at which this is no whole number."""
        return any(not isinstance(coefficient, int) for _, coefficient in self.terms)

    @property
    def constant(self) -> int | None:
        """The value, if it is a whole number with no symbol left in it."""
        coefficient = self.terms[0][1] if self.terms else 0
        return coefficient if isinstance(coefficient, int) and not self.symbols else None

    def substitute(self, values: Mapping[str, int]) -> Dim:
        """Put numbers in for the symbols that `values` names."""
        result = Dim(())
        for monomial, coefficient in self.terms:
            term = Dim._normal({(): coefficient})
            for symbol in monomial:
                term = term * Dim.of(values.get(symbol, symbol))
            result = result + term
        return result

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number that this is at `sizes`.

        KeyError names a symbol without a size; ValueError says that it is no whole number.
        """
        total: int | Fraction = 0
        for monomial, coefficient in self.terms:
            for symbol in monomial:
                coefficient *= sizes[symbol]
            total += coefficient
        if total != int(total):
            raise ValueError(f"{self} is {total}, and sizes are whole numbers")
        return int(total)

    def to_expr(self) -> Expr:
        """This size as an expression; a common denominator stands last."""
        denominator = lcm(*(Fraction(c).denominator for _, c in self.terms))
        if denominator > 1:
            whole = self * Dim.of(denominator)
            return Binary("//", whole.to_expr(), Number(denominator))
        total: Expr | None = None
        for monomial, coefficient in self._by_degree():
            term: Expr | None = None
            for symbol in monomial:
                term = Name(symbol) if term is None else Binary("*", term, Name(symbol))
            if term is None or abs(coefficient) != 1:
                factor = Number(abs(int(coefficient)))
                term = factor if term is None else Binary("*", factor, term)
            if total is None:
                total = term if coefficient > 0 else Binary("-", Number(0), term)
            else:
                total = Binary("+" if coefficient > 0 else "-", total, term)
        return Number(0) if total is None else total

    def _by_degree(self) -> list[tuple[Monomial, int | Fraction]]:
        """Terms as they are written: those that are subtracted last."""
        return sorted(self.terms, key=lambda term: (term[1] < 0, -len(term[0]), term[0]))

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return to_text(self.to_expr()).replace(" * ", "*")


def _product(lhs: Dim, rhs: Dim) -> Dim:
    """lhs * rhs; ValueError if it is larger than anyone means."""
    if len(lhs.terms) * len(rhs.terms) > MAX_TERMS:
        raise ValueError(f"a size of more than {MAX_TERMS} terms")
    product = lhs * rhs
    if any(len(monomial) > MAX_DEGREE for monomial, _ in product.terms):
        raise ValueError(f"a size that multiplies more than {MAX_DEGREE} symbols")
    if not all(-(2**63) < coefficient < 2**63 for _, coefficient in product.terms):
        raise ValueError("a size of more than 64 bits")
    return product


ONE = Dim.of(1)
