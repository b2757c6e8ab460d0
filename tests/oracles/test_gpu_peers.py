"""What the GPU benchmark compares with computes the same as its diagrams, on the CPU."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import attn_dsl
from attn_dsl.ir import evaluate
from attn_dsl.pipeline import analyse, read

torch = pytest.importorskip("torch")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import gpu_peers  # noqa: E402
from gpu_cases import KINDS, Case, Kind  # noqa: E402


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_peers, "WINDOW", 20)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_plain_steps_are_the_diagram(kind: Kind) -> None:
    kind = replace(kind, steps=kind.steps.replace("1024", "20"))
    case = Case(kind, 64, 150)
    arrays = gpu_peers.draw(case, document=40, device="cpu")
    few = {n: array[:3] if n == "slope" else array[:1] for n, array in arrays.items()}
    few |= {n: few[n][:, :3] for n in "QKV"}
    found = gpu_peers.plain(case, few, torch.float64)
    graph = analyse(read(kind.diagram), {"D": 64}).drawn
    wide = {n: (array.double() if n in "QKV" else array).numpy() for n, array in few.items()}
    (wanted,) = evaluate(graph, wide).values()
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)
    kernel = attn_dsl.compile(kind.diagram, "cuda", {"D": 64}, emulate=True)
    rounded = gpu_peers.plain(case, few, torch.bfloat16).double()
    allowed = 2 * float((rounded - found).abs().max()) + 1e-3
    assert float((kernel(**few).double() - found).abs().max()) <= allowed
