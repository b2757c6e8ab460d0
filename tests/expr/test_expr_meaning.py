"""An expression means what Python's operators mean."""

from __future__ import annotations

import gc
import math
import operator
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import conditions, integers
from support import examples

from attn_dsl.expr import Binary, Call, Compare, Expr, Name, Number, Unary, evaluate, parse

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
FUNCTIONS: dict[str, Any] = {"min": min, "max": max, "abs": abs, "floor": math.floor}
NAMES = ("q", "k", "N")


def python(expr: Expr, names: dict[str, Any]) -> Any:
    """The oracle: a walk along the tree with Python's own operators."""
    match expr:
        case Number(value):
            return value
        case Name(id):
            return names[id]
        case Unary("-", x):
            return -python(x, names)
        case Unary(_, x):
            return not python(x, names)
        case Binary("and", lhs, rhs):
            return bool(python(lhs, names)) and bool(python(rhs, names))
        case Binary("or", lhs, rhs):
            return bool(python(lhs, names)) or bool(python(rhs, names))
        case Binary(op, lhs, rhs) | Compare(op, lhs, rhs):
            return OPERATORS[op](python(lhs, names), python(rhs, names))
        case Call("where", (condition, yes, no)):
            return python(yes if python(condition, names) else no, names)
        case Call(function, arguments):
            return FUNCTIONS[function](*(python(x, names) for x in arguments))
    raise NotImplementedError(expr)


def _mixed() -> st.SearchStrategy[Expr]:
    """Numbers made of whole numbers, fractions and conditions."""
    number = integers(NAMES, 2) | st.floats(-9, 9).map(Number) | conditions(NAMES, 1)
    pair = st.builds(Binary, st.sampled_from(("+", "-", "*", "/", "//", "%", "**")), number, number)
    where = st.builds(lambda c, x, y: Call("where", (c, x, y)), conditions(NAMES, 1), pair, number)
    floor = pair.map(lambda x: Call("floor", (x,)))
    negative = conditions(NAMES, 1).map(lambda x: Unary("-", x))
    return pair | where | floor | negative | conditions(NAMES)


@examples(1500)
@given(_mixed(), st.tuples(*[st.integers(-6, 20)] * 3))
def test_scalars_are_python_s(expr: Expr, values: tuple[int, ...]) -> None:
    names = dict(zip(NAMES, values, strict=True))
    try:
        wanted = python(expr, names)
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        assume(False)
    assume(not isinstance(wanted, complex) and abs(wanted) < 2**52)
    assert np.isclose(evaluate(expr, names, {}), wanted, rtol=1e-12, atol=0)


@examples(300)
@given(conditions(NAMES) | integers(NAMES))
def test_arrays_are_scalars_element_by_element(expr: Expr) -> None:
    q, k = np.arange(4)[:, None], np.arange(5)
    found = np.broadcast_to(evaluate(expr, {"q": q, "k": k, "N": 5}, {}), (4, 5))
    wanted = [[python(expr, {"q": i, "k": j, "N": 5}) for j in range(5)] for i in range(4)]
    assert np.array_equal(found, np.array(wanted))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7 % -3", -2),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("1 < 3 > 2", True),
        ("3 > 2 > 2", False),
        ("True + True", 2),
        ("-(1 < 2)", -1),
        ("(1 < 2) - (3 < 2) * 5", 1),
        ("sigmoid(0) + exp(0) + log(1) + √4 + tanh(0)", 3.5),
        ("sigmoid(-1000)", 0.0),
        ("floor(-0.5)", -1),
    ],
)
def test_fixed_values(text: str, value: float) -> None:
    assert evaluate(parse(text), {}, {}) == value


def test_an_index_out_of_range_reads_zero() -> None:
    expr = parse("doc[b, q - 1]")
    names = {"b": np.arange(-1, 3)[:, None], "q": np.arange(5)}
    doc = np.arange(1, 7).reshape(2, 3)
    wanted = [[0] * 5, [0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0] * 5]
    assert np.array_equal(evaluate(expr, names, {"doc": doc}), wanted)
    assert np.array_equal(evaluate(expr, names, {"doc": doc[:, :0]}), np.zeros((4, 5)))


def test_small_integers_are_widened_and_booleans_count() -> None:
    tensors = {"doc": np.full(3, 2_000_000_000, np.int32), "m": np.array([True, False, True])}
    found = evaluate(parse("doc[q] + doc[q] + m[q] + m[q]"), {"q": np.arange(3)}, tensors)
    assert found.tolist() == [4_000_000_002, 4_000_000_000, 4_000_000_002]


def test_powers_of_whole_numbers_may_be_fractions() -> None:
    assert evaluate(parse("2 ** (q - 1)"), {"q": np.arange(3)}, {}).tolist() == [0.5, 1.0, 2.0]


def test_no_array_is_kept() -> None:
    """Not even until the garbage collector comes: references of scores are large."""
    array = np.ones(3)
    kept = weakref.ref(array)
    gc.disable()
    try:
        evaluate(parse("where(q > 1, q, -q)"), {"q": array}, {})
        del array
        assert kept() is None
    finally:
        gc.enable()
