"""Costs by hand, and the tiles that they choose."""

from __future__ import annotations

import numpy as np
import pytest
from programs import attention, plan

from attn_dsl.cost_text import cost_lines, human
from attn_dsl.tile import (
    Cost,
    TileProgram,
    TileSizes,
    choose_tiles,
    cost,
    least_traffic,
    on_chip,
    schedule,
    unfused_traffic,
)

SIZES = {"B": 2, "H": 3, "N": 100, "M": 70, "D": 16, "E": 8}
F32 = 4


def test_without_a_mask() -> None:
    program, heads = plan(40, 30), 6
    assert cost(program, SIZES) == Cost(
        tiles=heads * 3 * 3,
        masked=0,
        flops=heads * 2 * 100 * 70 * (16 + 8),
        loaded=heads * F32 * (100 * 16 + 3 * 70 * (16 + 8)),
        stored=heads * F32 * 100 * 8,
    )


def test_a_causal_mask() -> None:
    """Of 3 × 3 tiles those below the diagonal are whole, those on it partial, the rest skipped."""
    sizes = SIZES | {"M": 100}
    found = cost(plan(40, 40, mask="k <= q"), sizes)
    scores = 40 * 40 + 40 * 80 + 20 * 100
    assert (found.tiles, found.masked) == (6 * 6, 6 * 3)
    assert found.flops == 6 * 2 * scores * (16 + 8)
    assert found.loaded == 6 * F32 * (100 * 16 + (40 + 80 + 100) * (16 + 8))


def test_captured_tensors_are_read_where_they_are_needed() -> None:
    sizes = SIZES | {"M": 100}
    plain = cost(plan(40, 40, mask="k <= q"), sizes)
    ids = {"doc": np.zeros((2, 100), np.int32), "slope": np.zeros((3, 1, 1), np.float32)}
    found = cost(plan(40, 40, mask="k <= q and doc[b, q] == doc[b, k]"), sizes, ids)
    assert found.tiles == plain.tiles
    partial = 40 + 40 + 20  # on the diagonal: rows, and as many keys
    assert found.loaded - plain.loaded == 6 * 4 * 2 * partial
    scored = cost(plan(40, 40, mask="k <= q", score="s + slope * k"), sizes)
    assert scored.loaded - plain.loaded == 6 * F32 * (40 * 40 + 40 * 80 + 20 * 100)
    gathered = cost(plan(40, 40, mask="k <= q", score="s + w[b, h, k]"), sizes)
    assert gathered.loaded - plain.loaded == 6 * F32 * (40 + 80 + 100)


def test_heads_that_see_different_tiles() -> None:
    sizes = SIZES | {"M": 100}
    found = cost(plan(10, 10, mask="h == 1 or q // 10 == k // 10"), sizes)
    assert found.tiles == 2 * (100 + 2 * 10)
    length = {"length": np.array([100, 30], np.int32)}
    found = cost(plan(10, 10, mask="k < length[b]"), sizes, length)
    assert found.tiles == 3 * (100 + 30)


def test_a_window_costs_in_proportion_to_the_length() -> None:
    program = plan(64, 64, mask="k <= q and q - k < 256")
    found = [cost(program, SIZES | {"N": n, "M": n}).flops / n for n in (4096, 16384, 65536)]
    assert max(found) < 1.05 * min(found)


def test_traffic_and_memory() -> None:
    program = plan(40, 30, scale="0.5", mask="k <= q and q - k < 9")
    inputs = 6 * (100 * 16 + 70 * 16 + 70 * 8)
    assert least_traffic(program, SIZES) == F32 * (inputs + 6 * 100 * 8)
    scores = 4  # the product, scaled, masked, and as weights
    moved = least_traffic(program, SIZES) + 2 * scores * F32 * 6 * 100 * 70
    assert unfused_traffic(program, SIZES) == moved
    rows = 40 * (16 + 8 + 3)  # queries, results, and three numbers of the softmax
    assert on_chip(program, SIZES) == F32 * (rows + 30 * (16 + 8) + 2 * 40 * 30)


SMALL, LARGE = TileSizes(16, 16), TileSizes(64, 64)


def choose(mask: str, budget: int = 10**9, visit: int = 0, n: int = 512) -> TileSizes:
    graph = attention(mask=mask)

    def planned(tiles: TileSizes) -> TileProgram:
        return schedule(graph, graph.table["O"], tiles)

    return choose_tiles(
        (SMALL, LARGE), planned, SIZES | {"N": n, "M": n}, budget, lambda program: visit
    )


def test_choosing_tiles() -> None:
    assert choose("True") == LARGE  # as much work, less traffic
    assert choose("k <= q and q - k < 16") == SMALL  # less work
    assert choose("k <= q and q - k < 16", visit=10**6) == LARGE  # fewer to begin
    assert choose("True", budget=30_000) == SMALL  # the others do not fit
    assert choose("True", budget=0) == SMALL  # nothing fits


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9994, "9.99 kB"),
        (9996, "10.0 kB"),
        (123456, "123 kB"),
        (999_600, "1.00 MB"),
        (2 * 10**15, "2.00 PB"),
    ],
)
def test_numbers_with_three_digits(number: int, text: str) -> None:
    assert human(number, "B") == text


def test_what_explain_prints() -> None:
    graph = attention(scale="0.5", mask="k <= q and doc[b, q] == doc[b, k]")
    lines = list(cost_lines(graph, graph.table["O"], {"N": 256, "M": 256, "H": 2}))
    assert lines == [
        "tiles of 64 × 64 at N=256, M=256, a head: 0 full, 10 partial, 6 skipped; "
        "fewer once doc is known",
        "one call at B=1, H=2, N=256, D=64, M=256, E=64:",
        "  work      21.0 MFLOP  62 % of all scores",
        "  read          797 kB  into tiles, of which one takes 99.1 kB",
        "  written       131 kB",
        "  at least      525 kB  with each input read once",
        "  unfused      4.72 MB  with the scores written and read at every step",
    ]
