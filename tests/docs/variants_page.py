"""The page docs/variants.md: every attention variant, its tiles, and how exact it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from support import NDArray

from attn_dsl.ir import Sizes, evaluate
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.render.tiles.tilemap import tile_map_svg
from attn_dsl.sample import default_sizes, sample_inputs
from attn_dsl.tile import TileProgram, TileSizes, count_tiles, formula, schedule, tile_map, together

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples" / "variants").glob("*.attn"))
TILES = TileSizes(64, 64)
SMALL = 256
TYPICAL: dict[str, Callable[[Mapping[str, int]], NDArray]] = {
    "length": lambda sizes: np.array([5 * _keys(sizes) // 8]),
    "prefix": lambda sizes: np.array([sizes["N"] // 4]),
    "block_table": lambda sizes: np.random.default_rng(0).permutation(sizes["P"]),
    "slope": lambda sizes: 2.0 ** -np.arange(1, sizes["H"] + 1),
}
"""Inputs by name: five eighths of the keys are no padding, a quarter is the prefix."""
INTRODUCTION = """# Attention variants

Each is a diagram in `examples/variants/`, which GitHub draws and attn runs. All of them fuse.

The squares are tiles of 64 queries (down) by 64 keys (across), of the first head, at the sizes
that the file sets and for typical inputs: filled ones are computed without asking
the mask, half-filled ones with it, and empty ones are never visited. The errors are the mean and
the largest difference of the f32 NumPy kernel from the reference in float64, at lengths of up to
256. `tests/examples/test_variants.py` holds every variant against the reference, on NumPy and on
executed CUDA.
"""


def _keys(sizes: Mapping[str, int]) -> int:
    """How many keys there are: those of all pages, or a length of their own, or that of queries."""
    return sizes["J"] * sizes["S"] if "J" in sizes else sizes.get("M", sizes["N"])


@cache
def compiled(file: Path) -> Compiled:
    return analyse(read(file))


def page() -> str:
    """The text of the page."""
    return "\n".join([INTRODUCTION, *(line for file in FILES for line in _section(file))])


def _section(file: Path) -> Iterator[str]:
    found = compiled(file)
    yield f"## {found.drawn.name}\n"
    yield f"{_remark(file)} [`{file.name}`](../examples/variants/{file.name})\n"
    for name, op, beside in _attentions(found):
        text = "\n".join(formula(name, op, beside))
        yield f"```\n{text}\n```\n"
    yield from _tiles(file, found)
    mean, largest = _errors(found)
    yield f"Error: {mean} in the mean, {largest} at most.\n"


def _attentions(found: Compiled) -> list[tuple[str, TiledAttention, str]]:
    """Each attention by its name, and the name of the log-sum-exp beside it, if there is one."""
    return [
        (statement.name, statement.op, "".join(s.name for s in beside))
        for statement, *beside in together(found.fused)
        if isinstance(statement.op, TiledAttention)
    ]


def _remark(file: Path) -> str:
    """The first comment in the file: what it is."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    comments = [line.removeprefix("%%").strip() for line in lines if line.startswith("%%")]
    return " ".join(comments)


def _tiles(file: Path, found: Compiled) -> Iterator[str]:
    """The picture of the first attention's tiles, and their number."""
    name, *_ = _attentions(found)[0]
    count = count_tiles(*_planned(found, name))
    total = count.full + count.partial + count.skipped
    done = count.full + count.partial
    yield f"![tiles](images/variants/{file.stem}.svg)\n"
    yield (
        f"{done} of {total} tiles are computed ({done / total:.0%}): "
        f"{count.full} full, {count.partial} partial.\n"
    )


def _planned(found: Compiled, name: str) -> tuple[TileProgram, dict[str, int], dict[str, NDArray]]:
    program = schedule(found.fused, found.fused.table[name], TILES)
    sizes = default_sizes(found.fused, found.settings)
    arrays = _inputs(found, sizes)
    captured = {b.name for b in program.captured} & arrays.keys()
    return program, dict(sizes.symbols), {name: arrays[name] for name in captured}


def _inputs(found: Compiled, sizes: Sizes) -> dict[str, NDArray]:
    """What `attn run` draws; where that would be no typical use, something that is."""
    arrays = sample_inputs(found.fused, sizes, seed=0)
    for name, typical in TYPICAL.items():
        if name in arrays:
            old = arrays[name]
            arrays[name] = np.resize(typical(sizes.symbols), old.shape).astype(old.dtype)
    return arrays


def picture(file: Path) -> str:
    """The tiles of the first attention, as SVG."""
    found = compiled(file)
    name, *_ = _attentions(found)[0]
    return tile_map_svg(tile_map(*_planned(found, name)), found.drawn.name)


def _errors(found: Compiled) -> tuple[str, str]:
    """Mean and largest error: powers of ten that they stay below, with room for other machines."""
    sizes = default_sizes(found.fused, found.settings)
    small = Sizes({s: min(n, SMALL) for s, n in sizes.symbols.items()}, sizes.batch)
    arrays = _inputs(found, small)
    result = load(found, "numpy")(**arrays)
    outputs = result if isinstance(result, dict) else {found.drawn.outputs[0][0]: result}
    wanted = evaluate(found.drawn, arrays)
    errors = [np.abs(outputs[name] - wanted[name]) for name in wanted]
    return _below(max(e.mean() for e in errors)), _below(max(e.max() for e in errors))


def _below(error: float) -> str:
    return f"below 1e{math.ceil(math.log10(2 * error))}"
