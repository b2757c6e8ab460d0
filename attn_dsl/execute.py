"""One run of a kernel, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_dsl.ir import Graph, Sizes
from attn_dsl.kernel import Kernel
from attn_dsl.sample import default_sizes, sample_inputs
from attn_dsl.semantics import Settings
from attn_dsl.signature import arguments

NDArray = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Report:
    """The outputs by name, and the lines that `attn run` prints."""

    outputs: Mapping[str, NDArray]
    lines: tuple[str, ...]


def execute(kernel: Kernel, settings: Settings, arrays: Mapping[str, NDArray], seed: int) -> Report:
    """Run `kernel` on `arrays`; inputs that are missing are drawn with `seed`.

    Raises TypeError and ValueError as the kernel does.
    """
    graph = kernel.program.graph
    given = dict(arrays)
    if not given:
        given = sample_inputs(graph, default_sizes(graph, settings), seed)
    result = kernel(**given)
    labels = list(kernel.outputs)
    outputs = result if isinstance(result, dict) else {labels[0]: result}
    sizes = kernel.sizes(given)
    drawn = f"  (drawn with seed {seed})" if not arrays else ""
    lines = [f"ran on    {kernel.where}", f"sizes     {_sizes(graph, sizes)}"]
    owned = [argument.name for argument in arguments(graph) if argument.parameter]
    shown = {name: array for name, array in given.items() if name not in owned}
    lines += [f"input     {name} {_shape(array)}{drawn}" for name, array in shown.items()]
    if owned:
        count = sum(given[name].size for name in owned if name in given)
        lines.append(f"weights   {len(owned)} parameters, {count:,} numbers{drawn}")
    for name, array in outputs.items():
        lines.append(f"output    {name} {_shape(array)}")
        lines.append(f"checksum  {name} {_checksum(array)}")
    return Report(outputs, tuple(lines))


def _sizes(graph: Graph, sizes: Sizes) -> str:
    batch = [f"... = {' × '.join(map(str, sizes.batch))}"] if sizes.batch else []
    symbols = [f"{s} = {sizes.symbols[s]}" for s in graph.symbols if s in sizes.symbols]
    return ", ".join([*batch, *symbols]) or "all fixed"


def _shape(array: NDArray) -> str:
    return f"{array.dtype}[{', '.join(map(str, array.shape))}]"


def _checksum(array: NDArray) -> str:
    """Sums in float64, to as many digits as kernels on different machines agree on."""
    wide = array.astype(np.float64)
    return f"sum {wide.sum():.4f}, sum of squares {np.square(wide).sum():.4f}"
