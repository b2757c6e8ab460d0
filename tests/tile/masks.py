"""Random masks over indices, sizes and captured tensors."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from masked import KEYS, QUERIES, SIZES, Masked
from strategies import COMPARISONS, conditions, integers
from support import NDArray

from attn_dsl.expr import Binary, Call, Compare, Expr, Name, Number, Unary, parse, transform

NAMES = ("q", "k", "q", "k", *SIZES)
GATHERS = {
    "qd": "doc[q]",
    "kd": "doc[k]",
    "qi": "ids[q]",
    "ki": "ids[k]",
    "far": "ids[k + 9]",
    "before": "ids[q // 2 - 3]",
    "step": "ids[doc[k]]",
    "flag": "flag[k]",
    "length": "length[h]",
    "table": "table[q, k]",
}
"""Whole numbers that are captured, by a name that stands for each while a mask is drawn."""
REALS = ("w[k]", "w[q]", "w[h]", "w[k] * 0.5 + w[k + 1]", "q * 0.5", "k - 3.5", "w[q - 2] * q")


def tensors(seed: int) -> dict[str, NDArray]:
    """Sorted and unsorted ids, flags, lengths, and reals of which some are no numbers."""
    random = np.random.default_rng(seed)
    odd = [np.nan, np.inf, -np.inf, 0.0]
    reals = np.where(random.random(KEYS) < 0.2, random.choice(odd, KEYS), random.normal(size=KEYS))
    return {
        "doc": np.sort(random.integers(0, 4, max(QUERIES, KEYS))).astype(np.int32),
        "ids": random.integers(-3, 9, KEYS),
        "flag": random.random(KEYS) < 0.7,
        "length": random.integers(0, KEYS + 2, 3).astype(np.int32),
        "table": random.integers(-1, 2, (QUERIES, KEYS)).astype(np.int32),
        "w": reals.astype(np.float32),
    }


def whole(depth: int = 2) -> SearchStrategy[Expr]:
    """Conditions over whole numbers, captured ones among them."""
    return conditions((*NAMES, *GATHERS), depth).map(_with_gathers)


def _with_gathers(mask: Expr) -> Expr:
    def change(node: Expr) -> Expr:
        return parse(GATHERS[node.id]) if isinstance(node, Name) and node.id in GATHERS else node

    return transform(mask, change)


def reals() -> SearchStrategy[Expr]:
    """Comparisons of real numbers, captured ones among them, and numbers as conditions."""
    number = st.sampled_from(REALS).map(parse) | integers(NAMES, 1)
    factor = (st.floats(-4, 9) | st.just(float("inf"))).map(Number)
    number |= st.builds(Binary, st.sampled_from("*/+-%"), integers(NAMES, 1), factor)
    number |= number.map(lambda x: Call("floor", (x,)))
    return st.builds(Compare, st.sampled_from(COMPARISONS), number, number) | number


@st.composite
def masks(draw: DrawFn) -> Masked:
    """Any of these, joined, negated, chosen between, with tensors drawn for it."""
    leaf = st.one_of(whole(1), whole(2), reals(), reals().map(lambda x: Unary("not", x)))
    choice = st.tuples(whole(0), leaf, leaf).map(lambda parts: Call("where", parts))
    joined = st.builds(Binary, st.sampled_from(("and", "or")), leaf, leaf)
    mask = draw(st.one_of(leaf, joined, joined.map(lambda x: Unary("not", x)), choice))
    return Masked(mask, tensors(draw(st.integers(0, 99))))
