"""How long it takes to know which tiles a mask leaves, beside torch's FlexAttention.

    python benchmarks/tiles.py [--against torch] [--record]

attn asks each tile the conditions that it made of the mask when it compiled it;
`create_block_mask` evaluates the mask at every score. Both give the same tiles of 128 × 128 on
the CPU, which is checked. Times are those of the fastest of five runs. At the last length the
mask alone would take 17 GB.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from attn_dsl.bench import machine
from attn_dsl.pipeline import analyse, read
from attn_dsl.tile import TileProgram, TileSizes, schedule, tile_map

HERE = Path(__file__).parent
VARIANTS = HERE.parent / "examples" / "variants"
TILE = 128
CASES = (
    ("sliding_window", 8192),
    ("documents", 8192),
    ("causal_documents", 8192),
    ("causal_documents", 131072),
)
NDArray = np.ndarray[Any, Any]


def planned(name: str) -> TileProgram:
    """The tile program of a diagram."""
    graph = analyse(read(VARIANTS / f"{name}.attn")).fused
    statement = next(s for s in graph.statements if s.op.mnemonic == "tiled_attention")
    return schedule(graph, statement, TileSizes(TILE, TILE))


def documents(length: int) -> NDArray:
    """Ids of documents of random lengths, 1000 tokens each in the mean."""
    random = np.random.default_rng(0)
    return np.sort(random.integers(0, max(1, length // 1000), (1, length))).astype(np.int32)


def of_attn(name: str, length: int, doc: NDArray) -> Callable[[], NDArray]:
    """A call that gives the tile map."""
    program = planned(name)
    sizes = {"B": 1, "H": 1, "N": length, "D": 64}
    return lambda: tile_map(program, sizes, {"doc": doc})


def of_torch(name: str, length: int, doc: NDArray) -> Callable[[], Any]:
    """A call that gives the `BlockMask`."""
    import torch  # noqa: PLC0415  (no dependency of the benchmark)
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415

    ids = torch.from_numpy(doc[0])
    masks: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
        "sliding_window": lambda b, h, q, k: (k <= q) & (q - k < 256),
        "documents": lambda b, h, q, k: ids[q] == ids[k],
        "causal_documents": lambda b, h, q, k: (k <= q) & (ids[q] == ids[k]),
    }

    mask = masks[name]
    return lambda: create_block_mask(mask, 1, 1, length, length, "cpu", BLOCK_SIZE=TILE)


def mask_map(mask: Any) -> NDArray:
    """0, 1 and 2 for empty, partial and full tiles, of a `BlockMask`."""
    counts = (
        (mask.kv_num_blocks, mask.kv_indices),
        (mask.full_kv_num_blocks, mask.full_kv_indices),
    )
    rows, columns = mask.kv_indices.shape[-2:]
    tiles = np.zeros((rows, columns), np.int8)
    for kind, (number, indices) in enumerate(counts, start=1):
        for row in range(rows):
            tiles[row, indices[0, 0, row, : number[0, 0, row]].numpy()] = kind
    return tiles


def best(call: Callable[[], object], runs: int = 5) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peak(call: Callable[[], object]) -> float:
    """MB that were allocated at once."""
    tracemalloc.start()
    call()
    _, found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found / 1e6


@click.command()
@click.option("--against", type=click.Choice(["torch"]), help="Compare at the lengths that fit.")
@click.option("--record", is_flag=True, help="Write benchmarks/results/tiles.json.")
def main(against: str | None, record: bool) -> None:
    """Print a table of masks, lengths and milliseconds."""
    results = []
    click.echo(f"{'mask':<18}{'N = M':>8}{'live tiles':>12}{'attn ms':>9}{'MB':>7}{'torch ms':>10}")
    for name, length in CASES:
        doc = documents(length)
        ours = of_attn(name, length, doc)
        tiles = ours()
        row: dict[str, Any] = {"mask": name, "length": length, "live": int((tiles > 0).sum())}
        row |= {"attn_ms": round(best(ours) * 1e3, 2), "attn_peak_mb": round(peak(ours), 1)}
        if against and length <= 8192:
            theirs = of_torch(name, length, doc)
            if not np.array_equal(mask_map(theirs()), tiles):
                raise click.ClickException(f"the tiles of {name} differ")
            row["torch_ms"] = round(best(theirs) * 1e3, 1)
        results.append(row)
        torch_ms = f"{row['torch_ms']:>10.1f}" if "torch_ms" in row else ""
        live = f"{row['live']:>12}{row['attn_ms']:>9.2f}{row['attn_peak_mb']:>7.1f}"
        click.echo(f"{name:<18}{length:>8}{live}{torch_ms}")
    if record:
        versions = {"torch": version("torch")} if against else {}
        found = {"machine": machine() | versions, "tile": TILE, "tiles": results}
        path = HERE / "results" / "tiles.json"
        path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
