"""What kernels execute of each example is what the analysis and the cost model say."""

from __future__ import annotations

import re
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attn_cuda.attention.tiling import of_groups
from attn_numpy import BACKEND
from attn_numpy.tiles import tiles_of

from attn_dsl.backend import Options
from attn_dsl.ir import Sizes, Statement, bind
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.sample import sample_inputs
from attn_dsl.tile import Cost, TileProgram, TileSizes, blocks_of, cost, schedule, together

EXAMPLES = Path(__file__).parents[2] / "examples"
VARIANTS = sorted((EXAMPLES / "variants").glob("*.attn"))
FILES = [*sorted(EXAMPLES.glob("*.attn")), *VARIANTS]
SYMBOLS = {"B": 2, "H": 3, "G": 1, "D": 8, "E": 5, "Dv": 5, "R": 40, "d_model": 24, "heads": 3}
LENGTHS = [(700, 1100), (1100, 700), (1300, 1300), (300, 40), (1, 1)]
NDArray = np.ndarray[Any, Any]


def sizes(compiled: Compiled, queries: int, keys: int) -> Sizes:
    symbols = SYMBOLS | {"N": queries, "Lq": queries, "M": keys, "Lk": keys, "J": keys // 8 + 1}
    return Sizes({s: symbols.get(s, 8) for s in compiled.fused.symbols}, (2, 3))


def attentions(compiled: Compiled) -> list[tuple[Statement, ...]]:
    """Each attention, with the log-sum-exp beside it if there is one."""
    groups = together(compiled.fused)
    return [group for group in groups if isinstance(group[0].op, TiledAttention)]


def default_tiles(compiled: Compiled, statement: Statement) -> TileSizes:
    return tiles_of(compiled.fused, statement, compiled.settings.dims)


def planned(compiled: Compiled) -> list[TileProgram]:
    return [
        schedule(compiled.fused, statement, default_tiles(compiled, statement), *beside)
        for statement, *beside in attentions(compiled)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_executed_is_analysed(file: Path) -> None:
    compiled = analyse(read(file))
    program = BACKEND.lower(compiled.fused, Options(compiled.settings.dims, count=True))
    module: dict[str, Any] = {}
    exec(program.source, module)
    for queries, keys in LENGTHS:
        at = sizes(compiled, queries, keys)
        arrays = sample_inputs(compiled.fused, at, seed=queries)
        module["counts"].clear()
        module[program.entry](*arrays.values())
        assert module["counts"] == expected(planned(compiled), bind(compiled.fused, arrays), arrays)


def expected(programs: list[TileProgram], at: Sizes, arrays: dict[str, NDArray]) -> dict[str, int]:
    """What the module has to count: a cost leaves out the batch dims that `...` stands for."""
    found = asdict(sum((cost(program, at.symbols, arrays) for program in programs), Cost()))
    return {what: number * prod(at.batch) for what, number in found.items() if number}


def _is_square(file: Path) -> bool:
    """Whether the values are an input with a row for each query."""
    text = file.read_text(encoding="utf-8")
    return re.search(r"\bV : f32\[.*N, D\]", text) is not None


SQUARE = [file for file in VARIANTS if _is_square(file)]


@pytest.mark.parametrize("target", ["numpy", "cuda"])
@pytest.mark.parametrize("file", SQUARE, ids=lambda file: file.stem)
def test_only_live_tiles_are_visited(file: Path, target: str) -> None:
    """What is no number reaches the rows of the blocks that hold it, and no others."""
    compiled = analyse(read(file), {"D": 8})
    ((statement, *beside),) = attentions(compiled)
    tiles = of_groups(8, 8).sizes if target == "cuda" else default_tiles(compiled, statement)
    length = 3 * tiles.key - 7
    at = Sizes({s: (SYMBOLS | {"N": length, "B": 1, "H": 2})[s] for s in compiled.fused.symbols})
    arrays = sample_inputs(compiled.fused, at, seed=1)
    kernel = load(compiled, target, emulate=target == "cuda")
    program = schedule(compiled.fused, statement, tiles, *beside)
    for key_tile in range(3):
        keys = slice(key_tile * tiles.key, (key_tile + 1) * tiles.key)
        poisoned = arrays["V"].copy()
        poisoned[..., keys, :] = np.nan
        found = np.isnan(kernel(**(arrays | {"V": poisoned}))).all(axis=-1)
        for h in range(2):
            blocks = blocks_of(program, at.symbols, arrays, (0, h))
            live = np.zeros(length, bool)
            for q, k, rows, columns in zip(
                blocks.q_first, blocks.k_first, blocks.rows, blocks.keys, strict=True
            ):
                live[q : q + rows] |= k < keys.stop and k + columns > keys.start
            assert np.array_equal(found[0, h], live)
