"""How long `attn check` takes, by the size of the file.

    python benchmarks/check.py [--record]

Each node takes one or two values from before it (three edges for two nodes), by an operation.
Times are processor seconds of the whole command, Python's start included, on one core; the
first line is a file of two nodes.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import click

from attn_dsl.bench import machine

HERE = Path(__file__).parent
SIZES = (2, 1_000, 10_000, 100_000)


def drawing(nodes: int) -> str:
    """A flowchart of `nodes` nodes and half as many edges more."""
    choose = random.Random(0)
    lines = ["flowchart TD", '    N0["N0 : f32[N, D]"]']
    for node in range(1, nodes):
        if node % 2:
            lines.append(f"    N{node - 1} --> N{node}[Softmax]")
        else:
            other = choose.randrange(max(0, node - 50), node)
            lines.append(f"    N{node - 1} & N{other} --> N{node}[Add]")
    return "\n".join(lines) + "\n"


def seconds(nodes: int, folder: Path) -> float:
    """What `attn check` takes of the processor."""
    file = folder / f"{nodes}.attn"
    file.write_text(drawing(nodes))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from attn_dsl.cli import main; main()"]
    subprocess.run(
        [*command, "check", file.name, "--max-size", "1GB"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,  # and not in the sources, if attn is installed elsewhere
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@click.command()
@click.option("--record", is_flag=True, help="Write benchmarks/results/check.json.")
def main(record: bool) -> None:
    """Print a table of nodes, edges and seconds."""
    results = []
    click.echo("  nodes   edges  seconds")
    with tempfile.TemporaryDirectory() as folder:
        for nodes in SIZES:
            edges = (nodes - 1) + (nodes - 1) // 2
            taken = round(min(seconds(nodes, Path(folder)) for _ in range(3)), 2)
            results.append({"nodes": nodes, "edges": edges, "seconds": taken})
            click.echo(f"{nodes:>7} {edges:>7} {taken:>8.2f}")
    if record:
        versions = {name: version(name) for name in ("networkx", "ruamel.yaml")}
        found = {"machine": machine() | versions, "check": results}
        path = HERE / "results" / "check.json"
        path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
