"""FlexAttention's `create_block_mask`, which evaluates a mask at every score, finds our tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attn_dsl.pipeline import analyse, read
from attn_dsl.tile import TileSizes, schedule, tile_map

torch = pytest.importorskip("torch")
from torch.nn.attention.flex_attention import create_block_mask  # noqa: E402

VARIANTS = Path(__file__).parents[2] / "examples" / "variants"
N, TILE = 1000, 64
DOC = np.sort(np.random.default_rng(0).integers(0, 7, (1, N)), axis=-1).astype(np.int32)
IDS = torch.from_numpy(DOC[0])
LENGTH = np.array([777], np.int32)
MASKS = {
    "sliding_window": lambda b, h, q, k: (k <= q) & (q - k < 256),
    "dilated_window": lambda b, h, q, k: (k <= q) & (q - k < 256) & ((q - k) % 4 == 0),
    "chunked": lambda b, h, q, k: (q // 256 == k // 256) & (k <= q),
    "block_diffusion": lambda b, h, q, k: q // 64 >= k // 64,
    "documents": lambda b, h, q, k: IDS[q] == IDS[k],
    "causal_documents": lambda b, h, q, k: (k <= q) & (IDS[q] == IDS[k]),
    "prefix_lm": lambda b, h, q, k: (k < 777) | (k <= q),
    "padding": lambda b, h, q, k: k < 777,
}


def tiles_of(mask: Any) -> np.ndarray[Any, Any]:
    """0, 1 and 2 for the empty, partial and full tiles of a `BlockMask`."""
    rows, columns = mask.kv_indices.shape[-2:]
    found = np.zeros((rows, columns), np.int8)
    kinds = (
        (mask.kv_num_blocks, mask.kv_indices),
        (mask.full_kv_num_blocks, mask.full_kv_indices),
    )
    for kind, (count, indices) in enumerate(kinds, start=1):
        for row in range(rows):
            found[row, indices[0, 0, row, : count[0, 0, row]].numpy()] = kind
    return found


@pytest.mark.parametrize("name", MASKS)
def test_the_same_tiles(name: str) -> None:
    graph = analyse(read(VARIANTS / f"{name}.attn")).fused
    statement = next(s for s in graph.statements if s.op.mnemonic == "tiled_attention")
    program = schedule(graph, statement, TileSizes(TILE, TILE))
    sizes = {"B": 1, "H": 1, "N": N, "D": 64}
    ours = tile_map(program, sizes, {"doc": DOC, "length": LENGTH, "prefix": LENGTH})
    theirs = tiles_of(create_block_mask(MASKS[name], 1, 1, N, N, "cpu", BLOCK_SIZE=TILE))
    whole = N // TILE  # torch counts the part past the end as hidden, so no last tile is full
    assert np.array_equal(ours[:whole, :whole], theirs[:whole, :whole])
    assert np.array_equal(ours > 0, theirs > 0)
