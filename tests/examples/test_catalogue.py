"""Every variant as emitted CUDA, executed on the host: its numbers, and the bytes that it moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attn_cuda import BACKEND
from attn_cuda.attention.plan import plan
from attn_cuda.cxx.unit import make_unit
from counted import Counted
from error_rule import is_as_exact

from attn_dsl.backend import Options
from attn_dsl.ir import Graph, Sizes, Statement, bind, evaluate, from_text, to_text, verify
from attn_dsl.ir.ops import Input, TiledAttention
from attn_dsl.pipeline import analyse, read
from attn_dsl.sample import sample_inputs
from attn_dsl.tensors import numpy_dtype
from attn_dsl.tile import Cost, Load, TileProgram, cost, together

FILES = sorted((Path(__file__).parents[2] / "examples" / "variants").glob("*.attn"))
DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}
SYMBOLS = {"B": 2, "H": 4, "G": 2, "D": 24, "E": 16, "R": 8, "P": 9, "S": 16, "J": 5}
LENGTHS = [(75, 91), (130, 65), (1, 70)]
NDArray = np.ndarray[Any, Any]


def typed(graph: Graph, dtype: str) -> Graph:
    """The graph with numbers of this type."""
    return verify(from_text(to_text(graph).replace("f32", dtype)))


@cache
def compiled(file: Path, dtype: str) -> tuple[Graph, Counted]:
    """The graph as drawn, and the kernels for it."""
    found = analyse(read(file))
    graph = typed(found.fused, dtype)
    program = BACKEND.lower(graph, Options({s: SYMBOLS.get(s, 16) for s in graph.symbols}))
    return typed(found.drawn, dtype), Counted(program)


def cases(graph: Graph) -> Iterator[tuple[Sizes, dict[str, NDArray]]]:
    for queries, keys in LENGTHS:
        symbols = SYMBOLS | {"N": queries, "M": keys}
        sizes = Sizes({s: symbols.get(s, 16) for s in graph.symbols}, (2, 2))
        yield sizes, sample_inputs(graph, sizes, seed=queries)


def unfused(graph: Graph, arrays: Mapping[str, NDArray]) -> list[NDArray]:
    """One operation after the other in float32, each result rounded to its type."""
    sizes, values = bind(graph, arrays).symbols, dict[str, NDArray]()
    for statement in graph.statements:
        type_, op = statement.type.dtype, statement.op
        if not isinstance(op, Input):
            value = np.asarray(op.evaluate(values, sizes))
        elif op.name in arrays:
            value = arrays[op.name]
        else:
            value = np.asarray(True if type_.value == "bool" else 0.0)
        if type_.is_float:
            value = value.astype(numpy_dtype(type_.numpy)).astype(np.float32)
        values[statement.name] = value
    return [values[value] for _, value in graph.outputs]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_numbers(file: Path, dtype: str) -> None:
    graph, kernel = compiled(file, dtype)
    triples: list[tuple[NDArray, NDArray, NDArray]] = []
    for _, arrays in cases(graph):
        found, plain, wanted = kernel(arrays), unfused(graph, arrays), evaluate(graph, arrays)
        for got, direct, value in zip(found, plain, wanted.values(), strict=True):
            assert got.dtype == numpy_dtype(DTYPES[dtype])
            triples.append((got, direct, value))
    assert is_as_exact(triples, DTYPES[dtype])
    assert kernel.library.bank_conflicts == 0


def attention_alone(graph: Graph) -> list[Statement]:
    """The attention, with the log-sum-exp beside it, if that is all that the graph computes."""
    groups = [list(group) for group in together(graph) if not isinstance(group[0].op, Input)]
    alone = len(groups) == 1 and isinstance(groups[0][0].op, TiledAttention)
    return groups[0] if alone else []


def loads_alone(program: TileProgram) -> TileProgram:
    """The program without what it reads of captured tensors."""
    prologue = tuple(step for step in program.prologue if isinstance(step, Load))
    body = tuple(step for step in program.body if isinstance(step, Load))
    return replace(program, prologue=prologue, body=body)


ALONE = [file for file in FILES if attention_alone(analyse(read(file)).fused)]


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize("file", ALONE, ids=lambda file: file.stem)
def test_moved_bytes(file: Path, dtype: str) -> None:
    """Of queries, keys, values and results, what the kernel moves is what the program says."""
    _, kernel = compiled(file, dtype)
    graph = kernel.program.graph
    unit = make_unit(graph, kernel.program.sizes)
    statement, *beside = attention_alone(unit.graph)
    op = statement.op
    assert isinstance(op, TiledAttention)
    program = loads_alone(plan(unit, statement, op, *(beside or [None])).program)
    for sizes, arrays in cases(graph):
        kernel(arrays)
        expected = cost(program, sizes.symbols, arrays)
        loaded = sum(kernel.read[name] for name in {op.query, *(r.name for r in op.read)})
        assert Cost(loaded=loaded, stored=kernel.written) == replace(
            expected, tiles=0, flops=0, masked=0
        )


def test_most_variants_are_one_kernel() -> None:
    assert len(ALONE) > 0.8 * len(FILES)
