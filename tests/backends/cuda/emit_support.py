"""What the tests of the emitter share: graphs from short texts, random arrays, a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from attn_cuda import BACKEND
from attn_dsl.backend import Options, Program, Runner
from attn_dsl.ir import DType, Graph, Sizes, bind, evaluate, from_text, verify
from attn_dsl.ir.ops import Input

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-5


def graph_of(*lines: str, name: str = "test") -> Graph:
    """A graph from the IR's text, whose inputs may be written `Q: f32[N, D]`, or `Q?:` for an
    optional one; the last value is its output."""
    text = [f'graph "{name}"']
    for line in lines:
        if line.startswith("%"):
            text.append(line)
            continue
        value, type_ = line.split(": ")
        attributes = f'name="{value.rstrip("?").split("_")[0]}", type="{type_}"'
        attributes += ", optional=true" * value.endswith("?")
        text.append(f"%{value.rstrip('?')} = input() {{{attributes}}} : {type_}")
    last = text[-1].split(" ")[0]
    return verify(from_text("\n".join([*text, f'return "Output" = {last}'])))


def attention(
    attributes: str = "",
    *captured: str,
    batch: str = "B, H, ",
    keys: str = "M",
    dims: tuple[str, str] = ("D", "E"),
    name: str = "test",
) -> Graph:
    """Attention with the given attributes and captured inputs, `doc: i32[B, N]`."""
    query, value = dims
    names = ", ".join(f"%{c.split(': ')[0].rstrip('?')}" for c in captured)
    operands = "%Q, %K, %V" + (f", {names}" if names else "")
    braces = f" {{{attributes}}}" if attributes else ""
    return graph_of(
        f"Q: f32[{batch}N, {query}]",
        f"K: f32[{batch}{keys}, {query}]",
        f"V: f32[{batch}{keys}, {value}]",
        *captured,
        f"%O = tiled_attention({operands}){braces} : f32[{batch}N, {value}]",
        name=name,
    )


def lower(graph: Graph, **sizes: int) -> Program:
    """The program, with these sizes known."""
    return BACKEND.lower(graph, Options(sizes=sizes))


@cache
def _load(source: str, program: tuple[Program]) -> Runner:
    return BACKEND.load(program[0], emulate=True)


class _Same(tuple[Program]):
    """Stands for a program as a cache key: its source says all."""

    def __hash__(self) -> int:
        return hash(self[0].source)


def run(program: Program, arrays: Mapping[str, Array]) -> list[Array]:
    """Execute the emitted source on the host."""
    return _load(program.source, _Same((program,)))(arrays, bind(program.graph, arrays))


def draw(graph: Graph, seed: int = 0, batch: tuple[int, ...] = (), **sizes: int) -> dict[str, Array]:
    """Random arrays for the inputs that are not optional: normal floats, small integers."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        if statement.op.optional:
            continue
        shape = Sizes(sizes, batch).shape(statement.type)
        dtype = statement.type.dtype
        if dtype.is_float:
            arrays[statement.op.name] = random.standard_normal(shape).astype(np.float32)
        elif dtype is DType.BOOL:
            arrays[statement.op.name] = random.random(shape) < 0.5
        else:
            arrays[statement.op.name] = random.integers(-3, 4, shape).astype(dtype.numpy)
    return arrays


def error(program: Program, arrays: Mapping[str, Array]) -> float:
    """The largest distance of any output from the reference in float64; inf where NaNs differ."""
    outputs = run(program, arrays)
    expected = list(evaluate(program.graph, arrays).values())
    worst = 0.0
    for got, want in zip(outputs, expected, strict=True):
        assert got.shape == want.shape
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        with np.errstate(invalid="ignore"):
            distance = np.where(same, 0.0, np.abs(got - want))
        worst = max(worst, float(np.max(np.nan_to_num(distance, nan=np.inf), initial=0.0)))
    return worst


def check(program: Program, arrays: Mapping[str, Array]) -> None:
    """The emitted source computes what the graph means."""
    assert error(program, arrays) <= TOLERANCE
