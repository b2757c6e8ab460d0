"""Sizes as polynomials over symbols: `64`, `N`, `H*D`, `N + 1`.

A polynomial has one normal form, so two dims are the same size for every value of their symbols
exactly when they are equal here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attn_dsl.expr import Binary, Expr, Name, Number, Unary, to_text

Monomial = tuple[str, ...]
MAX_TERMS = 1000


@dataclass(frozen=True)
class Dim:
    """A sum of terms; each is a product of symbols (sorted) and its coefficient."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def of(value: int | str) -> Dim:
        """A constant or a symbol."""
        return Dim._normal({(value,): 1} if isinstance(value, str) else {(): value})

    @staticmethod
    def _normal(terms: Mapping[Monomial, int]) -> Dim:
        return Dim(tuple(sorted((m, c) for m, c in terms.items() if c)))

    @staticmethod
    def from_expr(expr: Expr) -> Dim:
        """Numbers, symbols, products, sums and differences; ValueError for anything else."""
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
                left, right = Dim.from_expr(lhs), Dim.from_expr(rhs)
                if len(left.terms) * len(right.terms) > MAX_TERMS:
                    raise ValueError(f"a size of more than {MAX_TERMS} terms")
                return left * right
            case Unary("-", x):
                return Dim.from_expr(x) * Dim.of(-1)
        raise ValueError(f"`{to_text(expr)}` is no size: sizes are numbers, symbols, + - and *")

    def __add__(self, other: Dim) -> Dim:
        terms = Counter(dict(self.terms))
        for monomial, coefficient in other.terms:
            terms[monomial] += coefficient
        return Dim._normal(terms)

    def __mul__(self, other: Dim) -> Dim:
        terms: Counter[Monomial] = Counter()
        for left, a in self.terms:
            for right, b in other.terms:
                terms[tuple(sorted(left + right))] += a * b
        return Dim._normal(terms)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, each once, sorted."""
        return tuple(sorted({symbol for monomial, _ in self.terms for symbol in monomial}))

    @property
    def constant(self) -> int | None:
        """The value, if no symbol is left in it."""
        if not self.terms:
            return 0
        return self.terms[0][1] if not self.symbols else None

    def substitute(self, values: Mapping[str, int]) -> Dim:
        """Put numbers in for the symbols that `values` names."""
        result = Dim(())
        for monomial, coefficient in self.terms:
            term = Dim.of(coefficient)
            for symbol in monomial:
                term = term * Dim.of(values.get(symbol, symbol))
            result = result + term
        return result

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number that this is at `sizes`; KeyError names a symbol without a size."""
        left = self.substitute(sizes)
        if left.constant is None:
            raise KeyError(left.symbols[0])
        return left.constant

    def to_expr(self) -> Expr:
        """This size as an expression."""
        total: Expr | None = None
        for monomial, coefficient in self._by_degree():
            term: Expr | None = None
            for symbol in monomial:
                term = Name(symbol) if term is None else Binary("*", term, Name(symbol))
            if term is None or abs(coefficient) != 1:
                factor = Number(abs(coefficient))
                term = factor if term is None else Binary("*", factor, term)
            if total is None:
                total = term if coefficient > 0 else Binary("-", Number(0), term)
            else:
                total = Binary("+" if coefficient > 0 else "-", total, term)
        return Number(0) if total is None else total

    def _by_degree(self) -> list[tuple[Monomial, int]]:
        return sorted(self.terms, key=lambda term: (-len(term[0]), term[0]))

    def __str__(self) -> str:
        return to_text(self.to_expr()).replace(" * ", "*")


ONE = Dim.of(1)
