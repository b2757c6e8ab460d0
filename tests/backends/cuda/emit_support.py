"""What the tests of the emitter share: graphs from short texts, random arrays, a comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from attn_cuda import BACKEND

from attn_dsl.backend import Options, Program, Runner
from attn_dsl.ir import DType, Graph, Sizes, bind, evaluate, from_text, to_text, verify
from attn_dsl.ir.ops import Input
from attn_dsl.tensors import numpy_dtype

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-5
HALVES = ("f16", "bf16")
EPSILON = {"f16": 2.0**-11, "bf16": 2.0**-8}  # of rounding, relative


def graph_of(*lines: str, outputs: tuple[str, ...] = (), name: str = "test") -> Graph:
    """A graph from the IR's text, whose inputs may be written `Q: f32[N, D]`, or `Q?: …` for an
    optional one. Without `outputs`, the last value is the output."""
    text = [f'graph "{name}"']
    for line in lines:
        if line.startswith("%"):
            text.append(line)
            continue
        value, type_ = line.split(": ")
        attributes = f'name="{value.rstrip("?").split("_")[0]}", type="{type_}"'
        attributes += ", optional=true" * value.endswith("?")
        text.append(f"%{value.rstrip('?')} = input() {{{attributes}}} : {type_}")
    outputs = outputs or (text[-1].split(" ")[0].removeprefix("%"),)
    text += [f'return "{output}" = %{output}' for output in outputs]
    return verify(from_text("\n".join(text)))


def attention(
    attributes: str | Sequence[str] = "",
    *captured: str,
    batch: str = "B, H, ",
    keys: str = "M",
    dims: tuple[str, str] = ("D", "E"),
    name: str = "test",
) -> Graph:
    """Attention, once for each of `attributes`, with captured inputs as `doc: i32[B, N]`."""
    query, value = dims
    several = [attributes] if isinstance(attributes, str) else attributes
    names = [c.split(": ")[0].rstrip("?") for c in captured]
    fused = []
    for index, text in enumerate(several):
        used = [f"%{name}" for name in names if re.search(rf"\b{name}\b", text)]
        operands = ", ".join(["%Q", "%K", "%V", *used])
        number = str(index) if len(several) > 1 else ""
        braces = f" {{{text}}}" if text else ""
        fused.append(f"%O{number} = tiled_attention({operands}){braces} : f32[{batch}N, {value}]")
    return graph_of(
        f"Q: f32[{batch}N, {query}]",
        f"K: f32[{batch}{keys}, {query}]",
        f"V: f32[{batch}{keys}, {value}]",
        *captured,
        *fused,
        outputs=tuple(line.split(" ")[0].removeprefix("%") for line in fused),
        name=name,
    )


def in_type(graph: Graph, element: str) -> Graph:
    """The graph with numbers of this type instead of f32."""
    return verify(from_text(to_text(graph).replace("f32", element)))


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


def draw(graph: Graph, leading: tuple[int, ...] = (), **sizes: int) -> dict[str, Array]:
    """Random arrays for the inputs that are not optional: normal floats, small integers."""
    random = np.random.default_rng(0)
    arrays: dict[str, Array] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        if statement.op.optional:
            continue
        shape = Sizes(sizes, leading).shape(statement.type)
        dtype = statement.type.dtype
        if dtype.is_float:
            stored = numpy_dtype(dtype.numpy)
            arrays[statement.op.name] = random.standard_normal(shape).astype(stored)
        elif dtype is DType.BOOL:
            arrays[statement.op.name] = random.random(shape) < 0.5
        else:
            arrays[statement.op.name] = random.integers(-3, 4, shape).astype(dtype.numpy)
    return arrays


def errors(program: Program, arrays: Mapping[str, Array]) -> dict[str, float]:
    """How far each output is from the reference in float64 at most; inf where NaNs differ."""
    outputs = run(program, arrays)
    pairs = zip(outputs, evaluate(program.graph, arrays).items(), strict=True)
    return {label: float(np.max(distance(got, want), initial=0)) for got, (label, want) in pairs}


def distance(got: Array, want: Array) -> Array:
    """How far each element is from the reference; inf where one of both is no number."""
    assert got.shape == want.shape
    wide = got.astype(np.float64)
    same = (wide == want) | (np.isnan(wide) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(wide - want))
    return np.nan_to_num(apart, nan=np.inf)


def check(program: Program, arrays: Mapping[str, Array]) -> None:
    """The emitted source computes what the graph means."""
    outputs = run(program, arrays)
    references = evaluate(program.graph, arrays)
    for got, (label, value) in zip(outputs, program.graph.outputs, strict=True):
        dtype, want = program.graph.types[value].dtype, references[label]
        apart = distance(got, want)
        if dtype.value not in EPSILON or got.size == 0:
            assert np.max(apart, initial=0) <= TOLERANCE, label
            continue
        # Weights and results are rounded, and nothing else: off by a little more than the result
        # of the rounding on average (a single weight may be off by as much as twice that), and by a
        # few units of the largest numbers at most.
        exact = np.where(np.isfinite(want), want, 0)
        rounded = np.abs(exact.astype(got.dtype).astype(np.float64) - exact)
        largest = max(1.0, float(np.max(np.abs(exact))))
        assert np.max(apart) <= 8 * EPSILON[dtype.value] * largest, label
        assert np.mean(apart) <= 4 * np.mean(rounded) + TOLERANCE, label
