"""Sums of multiples: the normal form in which whole numbers are compared.

`q - k + 5` and `5 - (k - q)` are one `Linear`, so bounds on the same sum are known as such
however they are written. What is no sum (`q // 4`, `abs(q - k)`) is a term of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

from attn_dsl.expr import (
    FALSE,
    TRUE,
    Binary,
    Compare,
    Expr,
    Name,
    Number,
    Unary,
    evaluate,
    names_in,
    substitute,
    tensors_in,
)

Q_FIRST, Q_LAST = Name("q_first"), Name("q_last")
K_FIRST, K_LAST = Name("k_first"), Name("k_last")


@dataclass(frozen=True)
class Linear:
    """A sum of expressions, each times a whole number other than 0, and a constant."""

    terms: Mapping[Expr, int]
    constant: int = 0

    @staticmethod
    def of(expr: Expr) -> Linear:
        """The normal form of a whole-number expression."""
        if not names_in(expr) and not tensors_in(expr):
            return Linear({}, int(evaluate(expr, {}, {})))
        match expr:
            case Unary("-", x):
                return Linear.of(x) * -1
            case Binary("+", lhs, rhs):
                return Linear.of(lhs) + Linear.of(rhs)
            case Binary("-", lhs, rhs):
                return Linear.of(lhs) + Linear.of(rhs) * -1
            case Binary("*", lhs, rhs):
                left, right = Linear.of(lhs), Linear.of(rhs)
                if not left.terms or not right.terms:
                    return right * left.constant if not left.terms else left * right.constant
            case Binary("//" | "%" as op, x, Number(int(divisor))) if divisor < 0:
                mirrored = Binary(op, (Linear.of(x) * -1).to_expr(), Number(-divisor))
                return Linear.of(mirrored) * (1 if op == "//" else -1)
        return Linear({expr: 1})

    def __add__(self, other: Linear) -> Linear:
        terms = dict(self.terms)
        for term, factor in other.terms.items():
            terms[term] = terms.get(term, 0) + factor
        left = {term: factor for term, factor in terms.items() if factor}
        return Linear(left, self.constant + other.constant)

    def __mul__(self, factor: int) -> Linear:
        terms = {term: factor * old for term, old in self.terms.items() if factor}
        return Linear(terms, factor * self.constant)

    def plus(self, number: int) -> Linear:
        """The sum with `number`."""
        return Linear(self.terms, self.constant + number)

    def tightened(self) -> Linear:
        """What is at most 0 where this is, without a common divisor of the terms."""
        divisor = gcd(*self.terms.values()) or 1
        terms = {term: factor // divisor for term, factor in self.terms.items()}
        return Linear(terms, -(-self.constant // divisor))

    def to_expr(self) -> Expr:
        """This sum as an expression; what is subtracted stands last."""
        total: Expr | None = None
        for term, factor in sorted(self.terms.items(), key=lambda item: item[1] < 0):
            product = term if abs(factor) == 1 else Binary("*", Number(abs(factor)), term)
            if total is None:
                total = product if factor > 0 else Unary("-", product)
            else:
                total = Binary("+" if factor > 0 else "-", total, product)
        if total is None:
            return Number(self.constant)
        if self.constant == 0:
            return total
        return Binary("+" if self.constant > 0 else "-", total, Number(abs(self.constant)))


def at_most_zero(sum: Linear) -> Expr:
    """The condition `sum <= 0`, with nothing subtracted on either side."""
    sum = sum.tightened()
    if is_always_at_most_zero(sum):
        return TRUE
    if is_always_at_most_zero((sum * -1).plus(1)):
        return FALSE
    left = {term: factor for term, factor in sum.terms.items() if factor > 0}
    right = {term: -factor for term, factor in sum.terms.items() if factor < 0}
    lhs = Linear(left, max(sum.constant - 1, 0)).to_expr()
    rhs = Linear(right, max(-sum.constant, 0)).to_expr()
    return Compare("<" if sum.constant > 0 else "<=", lhs, rhs)


def is_always_at_most_zero(sum: Linear) -> bool:
    """Whether `sum <= 0` is known of every tile.

    No tile ends before it begins, a quotient rises with what is divided, and no index and no
    size is negative.
    """
    most = Linear({}, sum.constant)
    for term, factor in sum.terms.items():
        most = most + _at_most(term, factor)
    return most.constant <= 0 and all(
        factor < 0 and isinstance(term, Name) for term, factor in most.terms.items()
    )


def _at_most(term: Expr, factor: int) -> Linear:
    """A sum that `factor * term` never exceeds."""
    match term:
        case Binary("//", x, Number(int(divisor))) if factor > 0 == factor % divisor:
            return Linear({x: factor // divisor})
        case Name() | Binary("//", Name(), Number()) if factor < 0:
            first: dict[str, Expr] = {Q_LAST.id: Q_FIRST, K_LAST.id: K_FIRST}
            return Linear({substitute(term, first): factor})
    return Linear({term: factor})
