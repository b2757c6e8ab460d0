"""Peak memory of the NumPy kernel beyond its inputs and its output.

    python benchmarks/memory.py [--length 32768] [--head-dim 64] [--record]

One head, as many keys as queries, f32. The peak is the resident set that the operating system
counted while the kernel ran (Linux only), so BLAS and thread stacks are in it; the output is
taken off. The matrix of scores, which is never made, would take 4 · N² bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

import attn_dsl
from attn_dsl.bench import machine

HERE = Path(__file__).parent
DIAGRAMS = {
    "full": HERE.parent / "examples" / "scaled_dot_product_attention.attn",
    "causal": HERE.parent / "examples" / "causal.attn",
}
MIB = 2**20


def peak_extra(diagram: Path, length: int, head_dim: int) -> float:
    """MiB at the peak of one call, less what was resident before and the output."""
    kernel = attn_dsl.compile(diagram)
    random = np.random.default_rng(0)
    shape = (1, 1, length, head_dim)
    q, k, v = (random.standard_normal(shape, dtype=np.float32) for _ in range(3))
    kernel(q[..., :64, :], k[..., :64, :], v[..., :64, :])  # BLAS takes its buffers at first use
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    before = resident("VmRSS")
    out = kernel(q, k, v)
    return resident("VmHWM") - before - out.nbytes / MIB


def resident(field: str) -> float:
    """A size of this process's memory in MiB, as the kernel counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


@click.command()
@click.option("--length", default=32768, show_default=True)
@click.option("--head-dim", default=64, show_default=True)
@click.option("--record", is_flag=True, help="Write benchmarks/results/memory.json.")
def main(length: int, head_dim: int, record: bool) -> None:
    """Print the peak for each diagram."""
    scores = length * length * 4 / MIB
    results = {}
    for name, diagram in DIAGRAMS.items():
        results[name] = round(peak_extra(diagram, length, head_dim), 1)
        click.echo(f"{name:<8} {results[name]:>8.1f} MiB   (the scores alone: {scores:.0f} MiB)")
    if record:
        sizes = {"heads": 1, "length": length, "head_dim": head_dim, "dtype": "f32"}
        found = {"machine": machine(), "sizes": sizes, "peak_extra_mib": results}
        path = HERE / "results" / "memory.json"
        path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
