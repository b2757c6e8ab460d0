"""Whether an expression is a condition, a whole number or a fraction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from strategies import conditions, integers
from support import examples

from attn_dsl.expr import Expr, Kind, evaluate, kind_of, parse, resolve

TENSORS = {"m": Kind.BOOL, "doc": Kind.INT, "bias": Kind.FLOAT}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("True", Kind.BOOL),
        ("k <= q", Kind.BOOL),
        ("doc and bias", Kind.BOOL),
        ("not doc", Kind.BOOL),
        ("m", Kind.BOOL),
        ("where(m, m, k < q)", Kind.BOOL),
        ("m + m", Kind.INT),
        ("-m", Kind.INT),
        ("min(m, m)", Kind.INT),
        ("where(m, 1, False)", Kind.INT),
        ("doc[q] // 2 + N", Kind.INT),
        ("q ** 2", Kind.INT),
        ("floor(s)", Kind.INT),
        ("q ** k", Kind.FLOAT),
        ("q ** -1", Kind.FLOAT),
        ("q / 2", Kind.FLOAT),
        ("s", Kind.FLOAT),
        ("bias[q] + 1", Kind.FLOAT),
        ("where(m, doc, 0.5)", Kind.FLOAT),
        ("sqrt(4)", Kind.FLOAT),
        ("unheard[q]", Kind.FLOAT),
    ],
)
def test_kind(text: str, kind: Kind) -> None:
    assert kind_of(resolve(parse(text), {name: name for name in TENSORS}), TENSORS) is kind


@examples(300)
@given(conditions(("q", "k")) | integers(("q", "k")))
def test_a_kind_is_that_of_the_value(expr: Expr) -> None:
    value = evaluate(expr, {"q": np.arange(3)[:, None], "k": np.arange(4)}, {})
    letters = {Kind.BOOL: "b", Kind.INT: "i"}
    assert np.asarray(value).dtype.kind == letters[kind_of(expr, {})]
