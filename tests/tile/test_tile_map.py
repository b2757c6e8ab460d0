"""The map of all tiles, against masks written out at the same sizes."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import plan
from support import NDArray, examples

from attn_dsl.expr import evaluate, parse, resolve
from attn_dsl.tile import TileCount, TileProgram, count_tiles, tile_map

EXACT = (
    "True",
    "k <= q",
    "k <= q + M - N",
    "k <= q and q - k < {w}",
    "k <= q + M - N and q + M - N - k < {w}",
    "abs(q - k) <= {w}",
    "k < length[b] or k <= q",
    "k < length[b]",
    "q // {w} == k // {w} and k <= q",
    "q // {w} == k // {w}",
    "q // {w} >= k // {w}",
    "doc[b, q] == doc[b, k]",
    "k <= q and doc[b, q] == doc[b, k]",
    "0 <= q - k and q - k < 3 * {w} and (q - k) % {w} == 0",
    "(q - k) % {w} == 1 and q - k < 9",
    "(k - q) % {w} < 2 and (q - k) % 3 == 0 and k <= q",
    "pad",
)
"""Of these masks no tile that is full or empty is called partial."""


def tensors(n: int, m: int, seed: int) -> dict[str, NDArray]:
    """Sorted ids, lengths that may be out of range, and a mask of keys; for two batches."""
    random = np.random.default_rng(seed)
    doc = np.sort(random.integers(0, 1 + m // 9, (2, m)), axis=-1)
    return {
        "doc": doc.astype(np.int32),
        "length": random.integers(-1, m + 2, 2).astype(np.int32),
        "pad": random.random((2, 1, 1, m)) < 0.8,
        "w": random.normal(size=(2, 3, m)).astype(np.float32),
        "slope": random.normal(size=(3, 1, 1)).astype(np.float32),
    }


def kept(mask: str, sizes: dict[str, int], arrays: dict[str, NDArray], b: int, h: int) -> NDArray:
    """The mask at every score of one head."""
    n, m = sizes["N"], sizes["M"]
    names: dict[str, Any] = {**sizes, "q": np.arange(n)[:, None], "k": np.arange(m), "b": b, "h": h}
    here = arrays | {"pad": arrays["pad"][b, 0], "slope": arrays["slope"][h]}
    expr = resolve(parse(mask), {name: name for name in arrays})
    return np.broadcast_to(evaluate(expr, names, here), (n, m)).astype(bool)


def by_hand(program: TileProgram, kept: NDArray) -> NDArray:
    """The map of tiles of a mask that is written out."""
    rows = range(0, kept.shape[0], program.query_tile)
    columns = range(0, kept.shape[1], program.key_tile)
    found = np.zeros((len(rows), len(columns)), np.int8)
    for i, q in enumerate(rows):
        for j, k in enumerate(columns):
            tile = kept[q : q + program.query_tile, k : k + program.key_tile]
            found[i, j] = tile.any() + tile.all() * 1
    return found


@examples(400)
@given(
    st.sampled_from(EXACT),
    st.integers(1, 9),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 99),
)
def test_exact(
    mask: str, w: int, lengths: tuple[int, int], tiles: tuple[int, int], seed: int
) -> None:
    n, m = (max(lengths),) * 2 if "doc" in mask else lengths
    sizes, arrays = {"B": 2, "H": 3, "N": n, "M": m, "D": 8, "E": 8}, tensors(n, m, seed)
    text = mask.format(w=w)
    program = plan(*tiles, mask=text)
    for b in range(2):
        found = tile_map(program, sizes, arrays, (b, seed % 3))
        assert np.array_equal(found, by_hand(program, kept(text, sizes, arrays, b, seed % 3)))


SOUND = (
    "doc[b, q] == doc[b, k] or w[b, h, k] > 1",
    "w[b, h, q] <= w[b, h, k]",
    "k <= q and (doc[b, k] == 0 or doc[b, q] == doc[b, k])",
    "slope < 0 and k <= q",
    "abs(q // 5 - k // 5) <= 1 and abs(q % 5 - k % 5) <= 1",
    "(q // 5 - k // 5) ** 2 + (q % 5 - k % 5) ** 2 <= 4",
    "where(h % 2 == 0, q // 4 == k // 4, q % 4 == k % 4)",
    "doc[b, q - 3] == doc[b, k + 2] and not pad",
)


@examples(200)
@given(
    st.sampled_from(SOUND),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(0, 99),
)
def test_sound(mask: str, lengths: tuple[int, int], tiles: tuple[int, int], seed: int) -> None:
    (n, m), h = lengths, seed % 3
    sizes, arrays = {"B": 2, "H": 3, "N": n, "M": m, "D": 8, "E": 8}, tensors(n, m, seed)
    arrays["w"][1, h, seed % m] = np.nan
    program = plan(*tiles, mask=mask)
    for b in range(2):
        found = tile_map(program, sizes, arrays, (b, h))
        true = by_hand(program, kept(mask, sizes, arrays, b, h))
        assert np.all((found == true) | (found == 1))
        unknown = tile_map(program, sizes, {}, (b, h))
        assert np.all((unknown == found) | (unknown == 1))


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("mask", EXACT)
def test_nothing_to_look_at(mask: str, n: int, m: int) -> None:
    sizes, arrays = {"B": 2, "H": 3, "N": n, "M": m, "D": 8, "E": 8}, tensors(n, m, 0)
    found = tile_map(plan(mask=mask.format(w=4)), sizes, arrays)
    assert found.shape == (-(-n // 4), -(-m // 3))


def test_a_tensor_that_is_not_given_makes_tiles_partial() -> None:
    program = plan(4, 4, mask="k <= q and doc[b, q] == doc[b, k]")
    sizes = {"B": 1, "H": 1, "N": 12, "M": 12, "D": 8, "E": 8}
    assert count_tiles(program, sizes) == TileCount(0, 6, 3)
    one = {"doc": np.zeros((1, 12), np.int32)}
    assert count_tiles(program, sizes, one) == TileCount(3, 3, 3)


def test_a_long_sequence_of_documents() -> None:
    """131072 tokens in under half a second and 100 MB: their mask alone would take 17 GB."""
    length = 131072
    doc = np.sort(np.random.default_rng(0).integers(0, 99, (1, length)), axis=-1).astype(np.int32)
    program = plan(128, 128, mask="k <= q and doc[b, q] == doc[b, k]")
    sizes = {"B": 1, "H": 1, "N": length, "M": length, "D": 64, "E": 64}
    start = time.perf_counter()
    tile_map(program, sizes, {"doc": doc})
    assert time.perf_counter() - start < 0.5
    tracemalloc.start()
    found = tile_map(program, sizes, {"doc": doc})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert (found.shape, found.dtype) == ((1024, 1024), np.int8)
    lengths = np.bincount(doc[0]) + 2 * 128  # and parts of tiles on either side
    assert (found > 0).sum() <= np.square(lengths / 128).sum()
