"""Random expressions for property tests: any tree that text can say, and typed ones."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from attn_dsl.expr import FUNCTIONS, Binary, Call, Compare, Expr, Name, Number, Tensor, Unary

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
NAMES = ("b", "h", "q", "k", "s", "N", "d_k", "λ")


def trees() -> SearchStrategy[Expr]:
    """Trees of every kind of node, in any combination that can be written."""
    numbers = st.integers(-99, 2**40) | st.floats(allow_nan=False) | st.booleans()
    leaves: SearchStrategy[Expr] = numbers.map(Number) | st.sampled_from(NAMES).map(Name)
    return st.recursive(leaves, _wider, max_leaves=12)


def _wider(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
    binary = st.sampled_from(("+", "-", "*", "/", "//", "%", "**", "and", "or"))
    negative = inner.filter(lambda x: not isinstance(x, Number) or isinstance(x.value, bool))
    calls = [
        st.tuples(st.just(name), st.tuples(*[inner] * count)) for name, count in FUNCTIONS.items()
    ]
    return st.one_of(
        st.builds(Binary, binary, inner, inner),
        st.builds(Compare, st.sampled_from(COMPARISONS), inner, inner),
        st.builds(Unary, st.just("not"), inner),
        st.builds(Unary, st.just("-"), negative),  # the minus of a number is part of it
        st.one_of(calls).map(lambda call: Call(*call)),
        st.builds(Tensor, st.just("doc"), st.lists(inner, min_size=1, max_size=3).map(tuple)),
    )


@cache
def integers(names: tuple[str, ...], depth: int = 3) -> SearchStrategy[Expr]:
    """Whole numbers over `names`; divisors are constants other than 0."""
    leaf: SearchStrategy[Expr] = st.integers(-4, 9).map(Number)
    leaf |= st.sampled_from(names).map(Name)
    if depth == 0:
        return leaf
    inner = integers(names, depth - 1)
    divisor = st.integers(-5, 7).filter(bool).map(Number)
    return st.one_of(
        leaf,
        st.builds(Binary, st.sampled_from("+-*"), inner, inner),
        st.builds(Binary, st.sampled_from(("//", "%")), inner, divisor),
        st.builds(Unary, st.just("-"), inner.filter(lambda x: not isinstance(x, Number))),
        st.builds(Call, st.sampled_from(("min", "max")), st.tuples(inner, inner)),
        st.builds(Call, st.just("abs"), st.tuples(inner)),
    )


@cache
def conditions(names: tuple[str, ...], depth: int = 2) -> SearchStrategy[Expr]:
    """Conditions over whole numbers, chained comparisons among them."""
    number = integers(names, 2)
    compare = st.builds(Compare, st.sampled_from(COMPARISONS), number, number)
    leaf: SearchStrategy[Expr] = st.one_of(compare, compare, compare, st.booleans().map(Number))
    if depth == 0:
        return leaf
    inner = conditions(names, depth - 1)
    return st.one_of(
        leaf,
        st.builds(Binary, st.sampled_from(("and", "or")), inner, inner),
        st.builds(Unary, st.just("not"), inner),
        st.builds(_chain, number, st.sampled_from(("<", "<=")), number, number),
    )


def _chain(low: Expr, op: str, middle: Expr, high: Expr) -> Expr:
    return Binary("and", Compare(op, low, middle), Compare("<", middle, high))
