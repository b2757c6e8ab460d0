"""Which tiles a fused operation is computed in on a GPU, and by how many threads."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.tile import TileSizes

SHARED_BYTES = 80 * 1024  # two blocks then fit on a multiprocessor with 164 KiB, as sm_80 has
FEW_QUERIES = 64


@dataclass(frozen=True)
class Tiling:
    """The tiles of a block, its threads, and the bytes that it keeps in shared memory.

    `blocks` are how many a multiprocessor has registers for.

    On tensor cores each warp has `row_tiles` times 16 of the queries; elsewhere that is 0.
    """

    queries: int
    keys: int
    threads: int
    shared_bytes: int
    blocks: int
    row_tiles: int = 0

    @property
    def sizes(self) -> TileSizes:
        """The tiles alone."""
        return TileSizes(self.queries, self.keys)

    @property
    def warps(self) -> int:
        """How many times 32 threads a block has."""
        return self.threads // 32


def of_groups(head_dim: int, value_dim: int, plain: bool = True) -> Tiling:
    """For plain threads: the largest tile of keys with which two blocks share a multiprocessor.

    A log-sum-exp, of value dim 0, keeps no weights in shared memory. What is not `plain` takes
    more registers than two blocks have.
    """

    def shared_bytes(keys: int) -> int:
        rows = max(head_dim | 1, padded(value_dim) + 1)
        floats = (head_dim + (keys if value_dim else 0)) * (64 + 4) + keys * rows
        return (4 * floats + 15) // 16 * 16

    keys = 64 if shared_bytes(64) <= SHARED_BYTES else 32
    blocks = 2 if plain and shared_bytes(keys) <= SHARED_BYTES else 1
    return Tiling(64, keys, 256, shared_bytes(keys), blocks)


def of_fragments(head_dim: int, value_dim: int, queries: int | None, plain: bool) -> Tiling:
    """For tensor cores: 128 queries a block, or 64 where there are no more than these.

    A warp with 32 queries reads keys and values half as often from shared memory as two warps
    with 16 each, but beyond a dim of 128 their results leave no registers for that. What is done
    with each score takes registers, too, unless it is `plain`: a comparison or two.
    """
    largest = max(head_dim, value_dim)
    keys = 64 if plain and largest <= 80 else 32
    row_tiles, threads = (2, 128) if largest <= (128 if plain else 80) else (1, 256)
    if queries is not None and queries <= FEW_QUERIES:
        row_tiles, threads = 1, 128
    rows = threads // 32 * 16 * row_tiles
    per_key = padded(head_dim) + 8 + (padded(value_dim) + 8 if value_dim else 0)
    numbers = rows * (padded(head_dim) + 8) + 2 * keys * per_key
    blocks = 1 if threads == 256 else 2
    return Tiling(rows, keys, threads, 2 * numbers, blocks, row_tiles)


def padded(dim: int) -> int:
    """The next multiple of 16."""
    return (dim + 15) // 16 * 16
