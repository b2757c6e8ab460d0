"""The CUDA kernels on the GPU of this machine: right, and how fast beside PyTorch's.

    python benchmarks/gpu.py [--seconds 270] [--repeat 9] [--output benchmarks/results/gpu.json]

bf16, forward, without a gradient: attention without a mask, causal, with a window of 1024, with
packed documents of 2048, with ALiBi and with a soft cap (both causal), for head dims of 64, 128
and 256 and lengths of 1024 to 32768; 2048 numbers a token, 16384 tokens where the length allows.
Beside it stand PyTorch's SDPA by FlashAttention and by cuDNN, where there is no mask or a causal
one, and FlexAttention, compiled, at the first length of each.

First each kernel is compared with the same steps in float32, at a small size: it may be twice as
far from them as the steps in bf16 are. Then they run turn by turn, by the GPU's clock. TFLOP/s
count two products of queries, keys and the head dim, 4 B H N N D operations: half of them for
causal attention, with and without ALiBi or a cap, and for a window and documents those of the
scores that are kept. Where the time is over the rest is not measured, and the record says so; it
says so too where there is no GPU.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import click
from gpu_cases import KINDS, Case, cases

import attn_dsl
from attn_dsl.backend import Unavailable
from attn_dsl.bench import machine

HERE = Path(__file__).parent
OURS = "attn"
SMALL = 1300  # tokens at which kernels are compared: more than a window has
FLEX_LENGTH = 8192
Record = dict[str, Any]


@cache
def kernel_of(diagram: str, head_dim: int) -> Any:
    """The kernel for this GPU; Unavailable where there is none."""
    return attn_dsl.compile(diagram, target="cuda", settings={"D": head_dim})


def check(case: Case) -> Record:
    """How far the kernel is from float32, and how far it may be."""
    import gpu_peers as torch_side  # noqa: PLC0415 (PyTorch is an extra)

    small = replace(case, length=SMALL)
    arrays = {
        name: array if name == "slope" else array[:2]
        for name, array in torch_side.draw(small, document=100).items()
    }
    exact = torch_side.plain(small, arrays, torch_side.torch.float32)
    rounded = torch_side.plain(small, arrays, torch_side.torch.bfloat16).float()
    found = kernel_of(case.kind.diagram, case.head_dim)(**arrays).float()
    error, allowed = (float((x - exact).abs().max()) for x in (found, rounded))
    allowed = 2 * allowed + 1e-3
    return {"error": error, "allowed": allowed, "right": error <= allowed}


def measure(case: Case, repeat: int, *, with_flex: bool) -> Record:
    """Milliseconds and TFLOP/s of ours and the others, and how many times as fast we are."""
    import gpu_peers as torch_side  # noqa: PLC0415 (PyTorch is an extra)

    arrays, kernel = torch_side.draw(case), kernel_of(case.kind.diagram, case.head_dim)
    runs: dict[str, Any] = {OURS: lambda: kernel(**arrays)}
    absent: dict[str, str] = {}
    others = torch_side.peers(case, arrays, with_flex=with_flex)
    for name, run in others.items():
        try:
            run()
            runs[name] = run
        except RuntimeError as error:  # a backend that does not take these sizes
            absent[name] = str(error).splitlines()[0]
    start = time.perf_counter()
    kernel(**arrays)
    host = time.perf_counter() - start
    times = torch_side.milliseconds(runs, repeat)
    return summary(case, times, absent) | {"host_milliseconds": 1e3 * host}


def summary(case: Case, times: Mapping[str, list[float]], absent: Mapping[str, str]) -> Record:
    """What the times come to."""
    medians = {name: sorted(values)[len(values) // 2] for name, values in times.items()}
    return {
        "kind": case.kind.name,
        "sizes": {"B": case.batch, "H": case.heads, "N": case.length, "D": case.head_dim},
        "milliseconds": medians,
        "tflops": {name: case.flops / value / 1e9 for name, value in medians.items()},
        "ratio": {name: value / medians[OURS] for name, value in medians.items() if name != OURS},
        "absent": dict(absent),
        "all_milliseconds": dict(times),
    }


def line(point: Record) -> str:
    """A line of the table."""
    sizes = point["sizes"]
    others = ", ".join(f"{ratio:.2f} × {name}" for name, ratio in point["ratio"].items())
    speed = point["tflops"][OURS]
    return f"{point['kind']:10} D={sizes['D']:<4} N={sizes['N']:<6} {speed:7.1f} TFLOP/s  {others}"


def run(seconds: float, repeat: int) -> Record:
    """All that the time allows. Raises Unavailable if nothing can run."""
    first = next(cases())
    kernel_of(first.kind.diagram, first.head_dim)  # says what is missing
    import gpu_peers as torch_side  # noqa: PLC0415 (PyTorch is an extra)

    if not torch_side.torch.cuda.is_available():
        raise Unavailable("PyTorch sees no GPU: what it is compared with needs a build with CUDA")
    until = time.monotonic() + seconds
    device = torch_side.torch.cuda.get_device_properties(0)
    versions = {"torch": torch_side.torch.__version__, "cuda": torch_side.torch.version.cuda}
    found = {"device": {"name": device.name, "capability": [device.major, device.minor]}}
    return {"ran": True, **found, "versions": versions, **sweep(until, repeat)}


def sweep(until: float, repeat: int) -> Record:
    """All cases beside SDPA; then, as compiling takes long, some beside FlexAttention."""
    checks: dict[str, Record] = {}
    points: dict[str, Record] = {}
    left: list[str] = []
    tasks = [(case, False) for case in cases()]
    tasks += [(case, True) for case in cases() if case.length == FLEX_LENGTH]
    for case, with_flex in tasks:
        task = f"{case}{', with FlexAttention' * with_flex}"
        key = f"{case.kind.name}, D={case.head_dim}"
        if time.monotonic() > until:
            left.append(f"{task}: the time was over")
            continue
        if key not in checks:
            checks[key] = check(case)
            click.echo(f"{key}: {checks[key]['error']:.1e} from float32")
        if checks[key]["right"]:
            points[str(case)] = measure(case, repeat, with_flex=with_flex)
            click.echo(line(points[str(case)]))
        else:
            left.append(f"{task}: the kernel is wrong")
    return {"checks": checks, "points": list(points.values()), "not_measured": left}


def plot(record: Record, path: Path) -> None:
    """TFLOP/s over the length, a picture for each kind and head dim."""
    import matplotlib  # noqa: PLC0415 (an extra)

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    dims = sorted({point["sizes"]["D"] for point in record["points"]})
    shape = (len(dims), len(KINDS))
    figure, axes = pyplot.subplots(*shape, figsize=(3 * shape[1], 3 * shape[0]), squeeze=False)
    for row, dim in enumerate(dims):
        for axis, kind in zip(axes[row], KINDS, strict=True):
            points = [p for p in record["points"] if p["kind"] == kind.name]
            points = sorted(
                (p for p in points if p["sizes"]["D"] == dim), key=lambda p: p["sizes"]["N"]
            )
            for name in sorted({name for p in points for name in p["tflops"]}):
                shown = [p for p in points if name in p["tflops"]]
                lengths = [p["sizes"]["N"] for p in shown]
                axis.plot(lengths, [p["tflops"][name] for p in shown], marker="o", label=name)
            axis.set(title=f"{kind.name}, D={dim}", xscale="log", xlabel="N", ylabel="TFLOP/s")
            axis.set_ylim(bottom=0)
            if points:
                axis.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path)


@click.command()
@click.option("--seconds", default=270.0, show_default=True, help="After these no case is begun.")
@click.option("--repeat", default=9, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results" / "gpu.json")
def main(seconds: float, repeat: int, output: Path) -> None:
    """Check, measure, print a table, and write the record and its picture."""
    try:
        found = run(seconds, repeat)
    except (Unavailable, ImportError) as missing:
        click.echo(f"Nothing was measured: {missing}")
        if output.exists() and json.loads(output.read_text(encoding="utf-8"))["ran"]:
            return  # what was measured elsewhere stays
        found = {"ran": False, "reason": f"Nothing was measured: {missing}"}
    record = {"machine": machine(), **found}
    output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    click.echo(f"wrote {output}")
    if record["ran"]:
        plot(record, output.with_suffix(".png"))
        click.echo(f"wrote {output.with_suffix('.png')}")


if __name__ == "__main__":
    main()
