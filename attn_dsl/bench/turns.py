"""Times taken turn by turn, so that what the machine does meanwhile meets all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import numpy as np

from attn_dsl.bench.peers import Absent, NoPeer, Prepare, Run
from attn_dsl.ir import Graph, Sizes
from attn_dsl.ir.binding import NDArray
from attn_dsl.kernel import Kernel
from attn_dsl.sample import default_sizes, sample_inputs
from attn_dsl.semantics import Settings

OURS = "attn"
Draw = Callable[[Graph, Sizes], Mapping[str, NDArray]]
"""Inputs by name for a graph at given sizes."""
REST = 0.03
"""Seconds before each turn: threads of the run before wait for more work without sleeping, those
of OpenMP for some milliseconds, and would take a core from this one."""
SEEDED: Draw = partial(sample_inputs, seed=0)


@dataclass(frozen=True)
class Point:
    """One setting of the sizes: seconds of every run, and the largest difference from ours."""

    sizes: Mapping[str, int]
    seconds: Mapping[str, Sequence[float]]
    differences: Mapping[str, float]
    absent: tuple[Absent, ...] = ()

    def median(self, name: str) -> float:
        """Seconds."""
        return median(self.seconds[name])

    def ratio(self, name: str) -> float:
        """How many times as fast as `name` we are."""
        return self.median(name) / self.median(OURS)


@dataclass(frozen=True)
class Record:
    """All points of one comparison."""

    title: str
    where: str
    points: tuple[Point, ...] = field(default_factory=tuple)


def compare(
    kernel: Kernel,
    sweep: Sequence[Sizes],
    peers: Mapping[str, Prepare],
    repeat: int = 11,
    draw: Draw = SEEDED,
    told: Callable[[str], None] = lambda text: None,
) -> Record:
    """Run `kernel` and `peers` at each of `sweep`, `repeat` times in turn.

    At each turn it rests, runs once to warm up, and once by the clock. `draw` gives the inputs
    at given sizes, and `told` is told which sizes come next. What takes preparation (a dense
    mask, a block mask, a compilation) is prepared before.
    """
    points = []
    for sizes in sweep:
        told(", ".join(f"{name}={size}" for name, size in sizes.symbols.items()))
        points.append(_point(kernel, sizes, peers, repeat, draw))
    return Record(kernel.program.graph.name, kernel.where, tuple(points))


def sweep_sizes(
    kernel: Kernel, settings: Settings, sweep: tuple[str, Sequence[int]] | None
) -> list[Sizes]:
    """The settings' sizes, with each of the values of one that is swept; ValueError if unknown."""
    sizes = default_sizes(kernel.program.graph, settings)
    if sweep is None:
        return [sizes]
    name, values = sweep
    if name not in sizes.symbols:
        raise ValueError(f"there is no size {name!r}; sizes are {', '.join(sizes.symbols)}")
    return [Sizes({**sizes.symbols, name: value}, sizes.batch) for value in values]


def _point(
    kernel: Kernel, sizes: Sizes, peers: Mapping[str, Prepare], repeat: int, draw: Draw
) -> Point:
    graph = kernel.program.graph
    arrays = draw(graph, sizes)
    runs: dict[str, Run] = {OURS: lambda: _first(kernel(**arrays))}
    absent = []
    for name, prepare in peers.items():
        try:
            runs[name] = prepare(graph, arrays, sizes)
        except NoPeer as no:
            absent.append(Absent(name, str(no)))
    wanted = runs[OURS]()
    differences = {name: _difference(run(), wanted) for name, run in runs.items() if name != OURS}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, run in runs.items():
            time.sleep(REST)
            run()  # wakes the threads, and fills the caches
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return Point(dict(sizes.symbols), seconds, differences, tuple(absent))


def _first(result: NDArray | dict[str, NDArray]) -> NDArray:
    return next(iter(result.values())) if isinstance(result, dict) else result


def _difference(found: NDArray, wanted: NDArray) -> float:
    """The largest absolute difference; rows without a key are NaN to some, and 0 to us."""
    found = found.reshape(wanted.shape)
    return float(np.abs(np.nan_to_num(found) - wanted).max(initial=0))
