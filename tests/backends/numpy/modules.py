"""Emitted modules, run beside the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from attn_numpy import BACKEND
from support import NDArray, draw

from attn_dsl.backend import Options, Program
from attn_dsl.ir import DType, Graph, Sizes, bind, evaluate, from_text, verify
from attn_dsl.passes import run_passes

CASES = Path(__file__).parents[2] / "passes" / "cases"
Arrays = Mapping[str, NDArray]


def case(name: str) -> Graph:
    """A graph of the fusion's cases, without inputs that it does not use."""
    graph = from_text((CASES / f"{name}.ir").read_text(encoding="utf-8"))
    return Graph.ordered(graph.name, graph.statements, graph.outputs)


def emit(graph: Graph) -> Program:
    """The module of `graph`, after all passes."""
    return BACKEND.lower(run_passes(graph).graph, Options())


def load(graph: Graph) -> Callable[[Arrays], dict[str, NDArray]]:
    """The emitted module as a function from arrays by name to outputs by name."""
    program = emit(graph)
    runner = BACKEND.load(program)
    labels = [label for label, _ in program.graph.outputs]

    def call(arrays: Arrays) -> dict[str, NDArray]:
        return dict(zip(labels, runner(arrays, bind(program.graph, arrays)), strict=True))

    return call


def compare(
    graph: Graph, arrays: Arrays, call: Callable[[Arrays], dict[str, NDArray]] | None = None
) -> None:
    """The module gives what the reference gives: to 1e-9, but to 1e-5 if any of it is in f32."""
    verify(graph)
    with np.errstate(all="ignore"):
        found, wanted = (call or load(graph))(arrays), evaluate(graph, arrays)
    is_single = any(type_.dtype is DType.F32 for type_ in graph.types.values())
    limit = 1e-5 if is_single else 1e-9
    for label, value in graph.outputs:
        dtype = np.dtype(graph.types[value].dtype.numpy)
        assert (found[label].dtype, found[label].shape) == (dtype, wanted[label].shape)
        np.testing.assert_allclose(found[label], wanted[label], rtol=limit, atol=limit)


def compare_drawn(graph: Graph, sizes: Sizes, seed: int = 0) -> None:
    """The same, on arrays drawn for `sizes`."""
    compare(graph, draw(graph, sizes, seed))
