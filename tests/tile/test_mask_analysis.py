"""What the analysis says of a tile, against the mask written out: always sound, often exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masked import SIZES, Masked
from strategies import COMPARISONS, conditions, integers
from support import examples

from attn_dsl.expr import Binary, Call, Compare, Expr, Number, Tensor, Unary, parse, to_text
from attn_dsl.tile import certain, find_edges, key_loop, possible

NAMES = ("q", "k", "q", "k", *SIZES)


@examples(1200)
@given(conditions(NAMES, 2))
def test_conditions_over_whole_numbers(mask: Expr) -> None:
    Masked(mask).check()


def _fractions() -> st.SearchStrategy[Expr]:
    whole = integers(NAMES, 1)
    factor = (st.floats(-4, 9) | st.just(float("inf"))).map(Number)
    number = st.builds(Binary, st.sampled_from("*/+-%"), whole, factor) | whole
    number |= number.map(lambda x: Call("floor", (x,)))
    compare = st.builds(Compare, st.sampled_from(COMPARISONS), number, number)
    documents = st.just(parse("doc[q] == doc[k]")) | st.just(
        Compare("<", Tensor("doc", (parse("k"),)), Number(2))
    )
    leaf = compare | documents | whole
    return st.builds(Binary, st.sampled_from(("and", "or")), leaf, leaf) | leaf.map(
        lambda x: Unary("not", x)
    )


@examples(800)
@given(_fractions())
def test_fractions_documents_and_numbers_as_conditions(mask: Expr) -> None:
    Masked(mask).check()


EXACT = [
    "k <= q",
    "q >= k",
    "not k > q",
    "k <= q + M - N",
    "k <= q and q - k < W",
    "k > q - W and k < q + W",
    "abs(q - k) <= W",
    "k < P or k <= q",
    "q // 4 == k // 4",
    "k // 3 < q // 4",
    "q < k < q + 3 * 2",
    "k == q",
    "k != 5",
    "min(q, 5) >= k",
    "2 * k <= q",
    "-k >= -q",
    "h == 2 and k < M - P",
    "k % 4 < 2",
    "True",
    "False",
]


@pytest.mark.parametrize("text", EXACT)
def test_what_is_exact(text: str) -> None:
    masked = Masked(parse(text))
    masked.check()
    kept, size = masked.counts
    assert np.array_equal(masked.ask(possible(masked.mask)), kept > 0)
    assert np.array_equal(masked.ask(certain(masked.mask)), kept == size)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("k <= q", None, "q_last + 1"),
        ("k < q", None, "q_last"),
        ("q >= k", None, "q_last + 1"),
        ("k >= q", "q_first", None),
        ("k > q - W", "q_first - W + 1", None),
        ("k <= q + M - N", None, "M + q_last - N + 1"),
        ("k <= q and q - k < W and k < P", "q_first - W + 1", "min(q_last + 1, P)"),
        ("not (k > q or k < 2)", "2", "q_last + 1"),
    ],
)
def test_bounds_of_the_loop(text: str, begin: str | None, end: str | None) -> None:
    loop = key_loop(possible(parse(text)))
    wanted = Masked(parse(text))
    for found, text_ in ((loop.begin, begin), (loop.end, end)):
        assert (found is None) == (text_ is None)
        if text_ is not None:
            assert np.array_equal(wanted.bound(found, 0), wanted.bound(parse(text_), 0))
    assert loop.live == Number(True)


@pytest.mark.parametrize(
    "text", ["k < P or k <= q", "q // 4 == k // 4", "k < q / 2", "k <= N - q // 7", "2 * k < q"]
)
def test_what_has_no_bounds_is_asked_of_each_tile(text: str) -> None:
    loop = key_loop(possible(parse(text)))
    assert (loop.begin, loop.end) == (None, None)
    assert loop.live == possible(parse(text))


@pytest.mark.parametrize(
    "text", ["not q * inf > 5", "not k - k * inf < 2", "not (q - inf + inf) > 0"]
)
def test_what_is_no_number_hides_nothing(text: str) -> None:
    Masked(parse(text)).check()


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("k <= q", (None, "q_first + 1", "k_first", None)),
        ("k <= q and q - k < W", ("q_last + 1 - W", "q_first + 1", "k_first", "W + k_last")),
        ("k < P", (None, "P", None, None)),
        ("k <= q + M - N", (None, "M + q_first + 1 - N", "N + k_first - M", None)),
    ],
)
def test_edges_of_a_mask(text: str, edges: tuple[str | None, ...]) -> None:
    found = find_edges(possible(parse(text)), certain(parse(text)))
    assert found is not None
    places = (found.full_begin, found.full_end, found.first_query, found.end_query)
    assert tuple(place and to_text(place) for place in places) == edges


@pytest.mark.parametrize("text", ["True", "False", "k < P or k <= q", "q // 4 == k // 4", "q < 5"])
def test_masks_whose_edges_bounds_do_not_say(text: str) -> None:
    assert find_edges(possible(parse(text)), certain(parse(text))) is None
