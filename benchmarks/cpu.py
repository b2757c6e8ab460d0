"""The NumPy kernel beside PyTorch on the CPU: its SDPA, and FlexAttention compiled.

    python benchmarks/cpu.py [full] [window] [documents] [growth] [--repeat 11] [--record]

f32, one process, turn by turn, as many threads each as there are cores. `full` is attention
without a mask and causal, for head dims of 64 and 128 and lengths of 1024 to 4096; `window` a
sliding window of 256 at 8192; `documents` 16 packed documents of 512; `growth` the window at
4096 to 65536, where each length should take twice as long as the one before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from attn_dsl import compile
from attn_dsl.bench import Point, Record, compare, machine, table, to_json, torch_peers
from attn_dsl.bench.turns import Draw
from attn_dsl.ir import Graph, Sizes
from attn_dsl.sample import sample_inputs

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
FULL = """
flowchart TD
    Q(["Q : f32[B, H, N, D]"]) & K(["K : f32[B, H, N, D]"]) --> S[MatMul] --> Scale --> P[Softmax]
    P & V(["V : f32[B, H, N, D]"]) --> O[MatMul]
"""


def sizes(length: int, heads: int, head_dim: int = 64) -> Sizes:
    """One batch."""
    return Sizes({"B": 1, "H": heads, "N": length, "D": head_dim})


def drawn(graph: Graph, at: Sizes) -> dict[str, Any]:
    """Unit-normal; documents of 512 tokens."""
    arrays = sample_inputs(graph, at, seed=0)
    if "doc" in arrays:
        arrays["doc"] = np.arange(at.symbols["N"], dtype=np.int32)[None] // 512
    return arrays


def measure(
    source: str | Path, points: list[Sizes], against: tuple[str, ...], repeat: int
) -> Record:
    """Compile, and compare with those peers of PyTorch that are named in `against`."""
    peers = {name: peer for name, peer in torch_peers().items() if name in against}
    draw: Draw = drawn
    record = compare(compile(source), points, peers, repeat, draw, click.echo)
    click.echo(table(record))
    return record


def full(repeat: int) -> tuple[list[Record], dict[str, float]]:
    """No mask, and causal."""
    points = [sizes(n, 8, d) for d in (64, 128) for n in (1024, 2048, 4096)]
    records = [
        measure(source, points, ("torch SDPA",), repeat)
        for source in (FULL, EXAMPLES / "causal.attn")
    ]
    ratios = [point.ratio("torch SDPA") for record in records for point in record.points]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return records, {"geometric mean of the ratios to SDPA": mean}


def window(repeat: int) -> tuple[list[Record], dict[str, float]]:
    """A sliding window."""
    return _masked("sliding_window", repeat)


def documents(repeat: int) -> tuple[list[Record], dict[str, float]]:
    """Packed documents."""
    return _masked("documents", repeat)


def _masked(variant: str, repeat: int) -> tuple[list[Record], dict[str, float]]:
    against = ("torch SDPA", "torch FlexAttention")
    path = EXAMPLES / "variants" / f"{variant}.attn"
    record = measure(path, [sizes(8192, 4)], against, repeat)
    return [record], {f"ratio to {name}": record.points[0].ratio(name) for name in against}


def growth(repeat: int) -> tuple[list[Record], dict[str, float]]:
    """The window, at lengths that double."""
    path = EXAMPLES / "variants" / "sliding_window.attn"
    points = [sizes(n, 4) for n in (4096, 8192, 16384, 32768, 65536)]
    record = measure(path, points, (), repeat)

    def per_token(point: Point) -> float:
        return point.median("attn") / point.sizes["N"]

    costs = [per_token(point) for point in record.points]
    return [record], {"largest over smallest time per token": max(costs) / min(costs)}


PARTS: dict[str, Callable[[int], tuple[list[Record], dict[str, float]]]] = {
    "full": full,
    "window": window,
    "documents": documents,
    "growth": growth,
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--repeat", default=11, show_default=True)
@click.option("--record", is_flag=True, help="Write benchmarks/results/cpu_*.json.")
def main(parts: tuple[str, ...], repeat: int, record: bool) -> None:
    """Print a table for each part, and what it comes to."""
    for name in parts or PARTS:
        records, found = PARTS[name](repeat)
        for what, value in found.items():
            click.echo(f"{name}: {what}: {value:.3f}\n")
        if record:
            kept = {"machine": machine(), "found": found, "records": list(map(to_json, records))}
            path = HERE / "results" / f"cpu_{name}.json"
            path.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
