"""What is called positive is above 0 at every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import integers
from support import examples

from attn_dsl.expr import Binary, Call, Expr, Number, evaluate, is_positive, parse


def _mixed() -> st.SearchStrategy[Expr]:
    number = integers(("N", "M"), 2) | st.floats(-2, 2).map(Number)
    pair = st.builds(Binary, st.sampled_from(("+", "-", "*", "/")), number, number)
    functions = st.sampled_from(("sqrt", "abs", "log", "tanh"))
    return (
        pair
        | pair.map(lambda x: Call("max", (x, Number(1))))
        | st.builds(lambda f, x: Call(f, (x,)), functions, pair)
    )


@examples(600)
@given(_mixed(), st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_what_is_positive(expr: Expr, sizes: tuple[int, int]) -> None:
    value = evaluate(expr, {"N": sizes[0], "M": sizes[1]}, {})
    assert value > 0 or not is_positive(expr)


@pytest.mark.parametrize("text", ["1 / sqrt(D)", "N * M + 2", "min(1 / √D, 0.125)", "exp(N - M)"])
def test_what_scales_are(text: str) -> None:
    assert is_positive(parse(text))


@pytest.mark.parametrize(
    "text", ["N - M", "q", "s", "doc[0]", "0", "-1 * N", "max(N, q)", "log(N)"]
)
def test_what_may_be_0_or_less(text: str) -> None:
    assert not is_positive(parse(text))
