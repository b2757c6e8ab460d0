"""What the analysis says of a tile, against the mask written out: always sound, often exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from masked import Masked
from masks import masks, tensors
from support import examples

from attn_dsl.expr import TRUE, Kind, Tensor, parse, resolve, to_text
from attn_dsl.tile import analyse


@examples(600)
@given(masks())
def test_what_is_called_empty_or_full_is_so(masked: Masked) -> None:
    masked.check()


EXACT = [
    "k <= q",
    "q >= k",
    "not k > q",
    "k <= q + M - N",
    "k <= q and q - k < W",
    "k > q - W and k < q + W",
    "abs(q - k) <= W",
    "not abs(q - k) <= W",
    "k < P or k <= q",
    "k < length[h] or k <= q",
    "q // 4 == k // 4",
    "q // 4 == k // 4 and k <= q",
    "q // 5 >= k // 5",
    "k // 3 < q // 4",
    "q < k < q + 3 * 2",
    "k == q",
    "k != 5",
    "q != k + 1",
    "min(q, 5) >= k",
    "max(k, 3) <= q",
    "2 * k <= q",
    "2 * q - 2 * k <= 3",
    "3 * k - 3 * q == 1",
    "-k >= -q",
    "h == 2 and k < M - P",
    "k >= P and k <= q",
    "k % 4 < 2",
    "(q - k) % 4 == 0",
    "(q - k) % -4 == -1",
    "(q + k) % 5 != 2",
    "k <= q and q - k < 8 and (q - k) % 3 == 0",
    "0 <= q - k and q - k < W and (q - k) % 2 == 1",
    "(q - k) % 2 == 0 and (k - q) % 3 == 1",
    "(q - k) % 4 < 2 and (q - k) % 6 != 0 and abs(q - k) < 7",
    "(q - k) % 4 == 0 or (q - k) % 4 == 2",
    "(q - k) % 8 // 4 == 1",
    "where(h % 2 == 0, q // 4 == k // 4, q == k)",
    "k < length[h]",
    "k < 2 * length[h - 1] - 9 and k <= q",
    "doc[q] == doc[k]",
    "k <= q and doc[q] == doc[k]",
    "ids[k] == 2",
    "not ids[q] == 2",
    "w[k] > 0",
    "k < q ** 3 - 4",
    "True",
    "False",
]


@pytest.mark.parametrize("text", EXACT)
def test_what_is_exact(text: str) -> None:
    for seed in range(4):
        masked = Masked(parse(text), tensors(seed))
        masked.check()
        assert masked.is_exact


SOUND = [
    "(q - k) % 5 >= 4 - k // 3",
    "(q - k) % 5 // 2 + h > 3",
    "(q - k) % 5 * 2 == k",
    "-(k * 0.5) <= 1 - q * 0.25",
    "(q - k) * 0.5 % 2.5 < 1",
    "(q - k) ** 2 <= W * W and (q - k) * (q - k) > 3",
    "W * q - 2 * k <= W",
    "q * k < 20",
    "k >= 3 * (q // 2) and k <= q",
    "w[q] <= w[k]",
    "not w[q] == w[k] or w[q] != w[h]",
    "(q < 4) + (k > 5) == 1",
    "table[q, k] > 0 and k <= q",
    "k * ids[h] <= q",
    "floor((q - k) / 3) == 1",
    "abs(max(q, k) - min(k, 4)) < 5",
    "(q - k) % 5 != 0 and (q - k) % 7 != 3 and (q - k) % 3 < 2",
]


@pytest.mark.parametrize("text", SOUND)
def test_what_is_sound(text: str) -> None:
    for seed in range(8):
        Masked(parse(text), tensors(seed)).check()


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
        ("abs(q - k) <= W", "q_first - W", "q_last + W + 1"),
        ("q // 4 == k // 4", "q_first // 4 * 4", "q_last // 4 * 4 + 4"),
        ("k // 8 <= 1", None, "16"),
        ("k <= N - q // 7", None, "N - q_first // 7 + 1"),
        ("k < P or k <= q", None, "max(P, q_last + 1)"),
        ("k >= q or k > 5 and k > P", "min(q_first, max(6, P + 1))", None),
    ],
)
def test_bounds_of_the_loop(text: str, begin: str | None, end: str | None) -> None:
    wanted = Masked(parse(text))
    loop = wanted.analysis.keys
    for found, text_ in ((loop.begin, begin), (loop.end, end)):
        assert (found is None) == (text_ is None)
        if text_ is not None:
            assert np.array_equal(wanted.bound(found, 0), wanted.bound(parse(text_), 0))
    assert loop.live == TRUE


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("k <= q", (None, "q_first + 1", "k_first", None)),
        ("k <= q and q - k < 9", ("q_last - 8", "q_first + 1", "k_first", "k_last + 9")),
        ("k < P", (None, "P", None, None)),
        ("k < P or k <= q", (None, "max(P, q_first + 1)", None, None)),
        ("q // 4 >= k // 4", (None, "(q_first // 4 + 1) * 4", "k_first // 4 * 4", None)),
    ],
)
def test_edges_of_a_mask(text: str, edges: tuple[str | None, ...]) -> None:
    found = analyse(parse(text)).edges
    assert found is not None
    places = (found.full_begin, found.full_end, found.first_query, found.end_query)
    assert tuple(place and to_text(place) for place in places) == edges


@pytest.mark.parametrize("text", ["True", "False", "k % 4 < 2", "doc[q] == doc[k]", "q < 5"])
def test_masks_whose_edges_bounds_do_not_say(text: str) -> None:
    assert analyse(parse(text)).edges is None


@pytest.mark.parametrize("text", ["q < P or k <= q", "k >= P or k <= q", "k < q / 2", "2 * k < q"])
def test_what_has_no_bounds_is_asked_of_each_tile(text: str) -> None:
    analysis = analyse(parse(text))
    assert (analysis.keys.begin, analysis.keys.end) == (None, None)
    assert analysis.keys.live == analysis.live != TRUE


@pytest.mark.parametrize(
    "text", ["not q * inf > 5", "not k - k * inf < 2", "not (q - inf + inf) > 0"]
)
def test_what_is_no_number_hides_nothing(text: str) -> None:
    Masked(parse(text)).check()


@pytest.mark.parametrize(
    ("text", "live", "full"),
    [
        ("k <= q", "k_first <= q_last", "k_last <= q_first"),
        ("k < P", "k_first < P", "k_last < P"),
        (
            "q - k < 256 and 0 <= q - k",
            "q_first <= k_last + 255 and k_first <= q_last",
            "q_last <= k_first + 255 and k_last <= q_first",
        ),
        ("k >= 0 and k < 5", "k_first <= 4", "k_last <= 4"),
        ("q - k < 5 and q - k > 7", "False", None),
        ("q - k < 5 or q - k > 3", None, "True"),
        ("(q - k) % 2 == 0 and (q - k) % 4 == 1", "False", None),
    ],
)
def test_conditions_are_short(text: str, live: str | None, full: str | None) -> None:
    """People read them in kernels."""
    analysis = analyse(parse(text))
    assert live is None or to_text(analysis.live) == live
    assert full is None or to_text(analysis.full) == full


def test_ranges_have_names_that_are_free() -> None:
    mask = parse("doc[q] == doc[k] and doc[k + 1] > 0")
    kinds = analyse(mask, taken={"doc_q_low", "doc_k"})
    assert [r.name for r in kinds.ranges] == ["doc_q_2", "doc_k_2", "doc_k_3"]
    assert [r.axis for r in kinds.ranges] == ["q", "k", "k"]


def test_a_tensor_at_the_score_may_vary_along_one_axis() -> None:
    keep = resolve(parse("keep and k <= q"), {"keep": "keep"})
    (range,) = analyse(keep, {"keep": Kind.BOOL}, {"keep": frozenset("k")}).ranges
    assert (range.axis, range.expr) == ("k", Tensor("keep"))
    assert analyse(keep, {"keep": Kind.BOOL}).ranges == ()
