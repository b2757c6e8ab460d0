"""The emitted module stands alone, in f32, on little memory, and its errors come through."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from attn_numpy import BACKEND
from modules import case, emit, load
from support import draw

import attn_dsl
from attn_dsl.ir import Sizes, evaluate

HERE = Path(__file__).parent
SIZES = Sizes({"B": 2, "H": 3, "N": 5, "M": 6, "D": 4, "E": 3})
EMITTED = attn_dsl.compile(HERE.parents[2] / "examples" / "causal.attn").source
ALONE = """
import importlib.util, sys
sys.modules.update({name: None for name in ("attn_dsl", "attn_numpy", "lark", "networkx")})
import numpy as np
spec = importlib.util.spec_from_file_location("module", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
arrays = np.load(sys.argv[2])
np.save(sys.argv[3], getattr(module, sys.argv[4])(*(arrays[name] for name in sys.argv[5:])))
"""


def test_it_runs_alone(tmp_path: Path) -> None:
    graph = case("score_expression")
    program, arrays = emit(graph), draw(graph, SIZES)
    (tmp_path / "module.py").write_text(program.source, encoding="utf-8")
    np.savez(tmp_path / "arrays.npz", **arrays)
    files = [str(tmp_path / name) for name in ("module.py", "arrays.npz", "out.npy")]
    order = [statement.name for statement in program.graph.inputs]
    command = [sys.executable, "-I", "-c", ALONE, *files, program.entry, *order]
    subprocess.run(command, check=True, cwd=tmp_path)
    found = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(found, evaluate(graph, arrays)["O"], rtol=1e-5, atol=1e-5)


def test_it_reads_well(golden: Callable[[Path, str], None]) -> None:
    source = emit(case("causal")).source
    golden(HERE / "causal.py.txt", source)
    assert max(map(len, source.splitlines())) <= 100
    assert set(re.findall(r"^(?:import|from) (\w+)", source, re.M)) == {
        "math",
        "os",
        "threading",
        "contextlib",
        "numpy",
    }


def test_f32_stays_f32_inside() -> None:
    wide: set[str] = set()

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename.startswith("<attn"):
            values = frame.f_locals.items()
            wide.update(n for n, x in values if getattr(x, "dtype", None) == np.float64)
            return trace
        return None

    for name in ("causal", "optional_mask", "score_expression", "soft_cap_before_mask"):
        graph = case(name)
        call, arrays = load(graph), draw(graph, SIZES)
        threading.settrace(trace)
        try:
            call(arrays)
        finally:
            threading.settrace(None)  # type: ignore[arg-type]
    assert not wide


def test_the_matrix_of_scores_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    graph = case("causal")
    call = load(graph)
    arrays = draw(graph, Sizes({"N": 4096, "M": 4096, "D": 64, "E": 64}))
    tracemalloc.start()
    call(arrays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - 4096 * 64 * 4 < 16 * 2**20


def test_what_a_thread_raises_is_raised_and_shows_the_emitted_line() -> None:
    graph = case("causal")
    with pytest.raises(ValueError, match="matmul") as raised:
        BACKEND.load(emit(graph))(
            {n: np.zeros((3, 3 + i), "f") for i, n in enumerate("QKV")}, SIZES
        )
    lines = [str(entry.statement).strip() for entry in raised.traceback]
    assert "scores = query_tile[seen] @ key_tile.T" in lines


def test_default_sizes_that_the_heads_do_not_divide() -> None:
    """Tiles are chosen at sizes that the call need not have: 512 columns are no 3 heads."""
    text = """---
attn: {dims: {heads: 3, E: 512}}
---
flowchart TD
    x(["x : f32[..., N, E]"]) --> A[Multi-Head Attention]
"""
    kernel = attn_dsl.compile(text)
    for name, type_ in kernel.parameters.items():
        kernel.load({name: np.ones([6] * type_.count("E"), np.float32)})
    assert kernel(x=np.ones((2, 5, 6), np.float32)).shape == (2, 5, 6)
    assert "one call at" in kernel.explain()


@pytest.mark.parametrize("cores", [1, 2, 16])
@pytest.mark.parametrize("group", [None, 1, 3, 4, 6])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 64])
def test_blocks_of_heads(count: int, group: int | None, cores: int) -> None:
    """Each head is in one block, none goes beyond a group, and all cores have something to do."""
    module: dict[str, Any] = {}
    exec(EMITTED, module)
    module["CORES"] = cores
    for batch in ((12,), (2, 12), (1, 1, 24)):
        blocks = module["head_blocks"](batch, count, 2, 2**22, group)
        seen = np.zeros(batch, int)
        for block in blocks:
            seen[block] += 1
            first, last = block[-1].start, block[-1].stop - 1
            assert last - first < count
            assert group is None or first // group == last // group
        assert (seen == 1).all()
        assert 2 * len(blocks) >= 2 * cores or all(b[-1].stop - b[-1].start == 1 for b in blocks)
    assert module["head_blocks"]((), count, 2, 2**22) == [()]


def test_small_jobs_are_not_split() -> None:
    module: dict[str, Any] = {}
    exec(EMITTED, module)
    module["CORES"] = 16
    assert module["head_blocks"]((8,), 8, 1, 64 * 64) == [(slice(0, 8),)]


def test_a_thread_that_raises_ends_the_others() -> None:
    module: dict[str, Any] = {}
    exec(EMITTED, module)
    module["CORES"] = 2
    begun: list[int] = []

    def tile(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ValueError("of the first")
        time.sleep(0.001)

    with pytest.raises(ValueError, match="of the first"):
        module["in_parallel"](tile, ((number,) for number in range(1000)), 1000)
    assert len(begun) < 1000
