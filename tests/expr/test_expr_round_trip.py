"""Text to tree and back: precedence, associativity, every spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from strategies import trees
from support import examples

from attn_dsl.expr import (
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Tensor,
    Unary,
    names_in,
    parse,
    resolve,
    substitute,
    tensors_in,
    to_text,
)

a, b, c = Name("a"), Name("b"), Name("c")


@examples(1500)
@given(trees())
def test_what_is_printed_reads_back(tree: Expr) -> None:
    assert parse(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a - b - c", Binary("-", Binary("-", a, b), c)),
        ("a ** b ** c", Binary("**", a, Binary("**", b, c))),
        ("-a ** 2", Unary("-", Binary("**", a, Number(2)))),
        ("a ** -2", Binary("**", a, Number(-2))),
        ("a // b % c", Binary("%", Binary("//", a, b), c)),
        ("not a == b", Unary("not", Compare("==", a, b))),
        ("a or b and c", Binary("or", a, Binary("and", b, c))),
        ("a & b | ~c", Binary("or", Binary("and", a, b), Unary("not", c))),
        ("a < b <= c", Binary("and", Compare("<", a, b), Compare("<=", b, c))),
        ("a × b · c", Binary("*", Binary("*", a, b), c)),
        ("a − b", Binary("-", a, b)),
        ("a ÷ √b", Binary("/", a, Call("sqrt", (b,)))),
        ("a ≤ b ≠ c", Binary("and", Compare("<=", a, b), Compare("!=", b, c))),
        ("a &lt;= b and b #gt; c", Binary("and", Compare("<=", a, b), Compare(">", b, c))),
        ("1/√d", Binary("/", Number(1), Call("sqrt", (Name("d"),)))),
        ("√d**2", Call("sqrt", (Binary("**", Name("d"), Number(2)),))),
        ("min(a, b, c)", Call("min", (Call("min", (a, b)), c))),
        ("doc[b, q + 1]", Tensor("doc", (b, Binary("+", Name("q"), Number(1))))),
        ("(((a)))", a),
        ("--2", Number(2)),
        ("+a", a),
        (".5e1", Number(5.0)),
        ("007", Number(7)),
        ("9223372036854775807", Number(2**63 - 1)),
        ("-inf", Number(-float("inf"))),
        ("nota or order", Binary("or", Name("nota"), Name("order"))),
        ("\ta\n+ b\r\n", Binary("+", a, b)),
    ],
)
def test_reading(text: str, tree: Expr) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    ["a - (b - c)", "(a ** b) ** c", "(-2) ** 2", "(a < b) == c", "(a or b) and c", "-(a + b)"],
)
def test_parentheses_that_precedence_needs_are_printed_and_no_others(text: str) -> None:
    assert to_text(parse(text)) == text


def test_names_become_tensors_unless_they_are_indices() -> None:
    tree = resolve(
        parse("m and k + s > doc[b, q] + N"), {n: f"%{n}" for n in ("m", "k", "s", "doc")}
    )
    assert tensors_in(tree) == ("%m", "%doc")
    assert tensors_in(tree, gathered=False) == ("%m",)
    assert names_in(tree) == {"k", "s", "b", "q", "N"}


def test_substitution_reaches_indices_and_arguments() -> None:
    tree = substitute(parse("max(N, doc[N])"), {"N": parse("H * 2")})
    assert to_text(tree) == "max(H * 2, doc[H * 2])"


@pytest.mark.parametrize(
    "text",
    ["q @ kᵀ", "(a + b)ᵀ @ c", "a @ b @ c", "a @ (b @ c)", "-(aᵀ)", "(-a)ᵀ", "xᵀᵀ * 2", "a ** bᵀ"],
)
def test_products_and_transposes_of_equations(text: str) -> None:
    tree = parse(text, equation=True)
    assert parse(to_text(tree), equation=True) == tree
