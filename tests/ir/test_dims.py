"""Sizes are polynomials: equal exactly when they are equal for every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.expr import evaluate, parse
from attn_dsl.ir import Dim

SYMBOLS = ("H", "D", "N", "d_k")
ZERO, ONE = Dim.of(0), Dim.of(1)


def dims() -> st.SearchStrategy[Dim]:
    leaf = (st.integers(-9, 99) | st.sampled_from(SYMBOLS)).map(Dim.of)
    pairs = lambda inner: st.tuples(inner, inner)  # noqa: E731
    return st.recursive(
        leaf,
        lambda inner: (
            pairs(inner).map(lambda p: p[0] + p[1]) | pairs(inner).map(lambda p: p[0] * p[1])
        ),
        max_leaves=6,
    )


laws = examples(200)


@laws
@given(dims(), dims(), dims())
def test_sums_and_products_are_a_ring(x: Dim, y: Dim, z: Dim) -> None:
    assert x + y == y + x
    assert x * y == y * x
    assert (x + y) + z == x + (y + z)
    assert (x * y) * z == x * (y * z)
    assert x * (y + z) == x * y + x * z
    assert x + ZERO == x * ONE == x
    assert x * ZERO == x + x * Dim.of(-1) == ZERO


@laws
@given(dims())
def test_text_reads_back(x: Dim) -> None:
    assert Dim.from_expr(parse(str(x))) == x


@laws
@given(dims(), st.tuples(*[st.integers(0, 50)] * len(SYMBOLS)))
def test_value_is_that_of_the_expression(x: Dim, values: tuple[int, ...]) -> None:
    sizes = dict(zip(SYMBOLS, values, strict=True))
    assert x.value(sizes) == evaluate(x.to_expr(), sizes, {})
    assert x.substitute(sizes).constant == x.value(sizes)
    assert set(x.substitute({"H": 3}).symbols) <= set(x.symbols) - {"H"}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("D * H", "D*H"),
        ("N + N + 1", "2*N + 1"),
        ("(N + 1) * (N - 1)", "N*N - 1"),
        ("N - N", "0"),
        ("-N + M", "M - N"),
        ("1 - N", "1 - N"),
        ("-N", "0 - N"),
        ("8 * (E // 8)", "E"),
        ("(E - 1) // 2", "(E - 1) // 2"),
        ("2 * (H + D)", "2*D + 2*H"),
        ("(N + 1) ** 2 ÷ 2", "(N*N + 2*N + 1) // 2"),
        ("N ** 0 + 2 ** 3", "9"),
    ],
)
def test_normal_form(text: str, printed: str) -> None:
    assert str(Dim.from_expr(parse(text))) == printed


@pytest.mark.parametrize(
    "text",
    ["2 // N", "N // 0", "N // -2", "N % 2", "N ** N", "√N", "N ** -1", "True", "1.5", "doc[N]"],
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        Dim.from_expr(parse(text))


def test_a_product_of_many_sums_is_refused() -> None:
    text = "*".join(f"(a{i} + b{i})" for i in range(40))
    with pytest.raises(ValueError, match="more than 1000 terms"):
        Dim.from_expr(parse(text))


@pytest.mark.parametrize("text", ["N ** 20 * M", "((N ** 9) ** 9) ** 9"])
def test_a_product_of_many_symbols_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than 20 symbols"):
        Dim.from_expr(parse(text))


@pytest.mark.parametrize(
    "text", ["2 ** 20 * 2 ** 20 * 2 ** 20 * 8", "(((9 ** 20) ** 20) ** 20) ** 20 * N"]
)
def test_a_size_of_many_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than 64 bits"):
        Dim.from_expr(parse(text))


def test_a_size_without_a_value_is_named() -> None:
    with pytest.raises(KeyError, match="N"):
        Dim.from_expr(parse("H * N")).value({"H": 2})


def test_division_is_exact() -> None:
    half = Dim.from_expr(parse("E // 2"))
    assert half + half == Dim.of("E")
    assert half.value({"E": 6}) == 3
    with pytest.raises(ValueError, match="E // 2 is 7/2, and sizes are whole numbers"):
        half.value({"E": 7})
