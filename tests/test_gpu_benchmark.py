"""The benchmark of GPU kernels where there is none: what it counts, and what it never invents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from attn_dsl.backend import Unavailable

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import gpu
import gpu_cases
from gpu_cases import DOCUMENT, KINDS, WINDOW, Case, cases

from attn_dsl.pipeline import analyse, read

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(diagram: str, head_dim: int) -> Any:
        raise Unavailable("there is no GPU")

    monkeypatch.setattr(gpu, "kernel_of", missing)


def test_without_a_gpu_the_record_says_so(no_gpu: None, tmp_path: Path) -> None:
    output = tmp_path / "gpu.json"
    result = CliRunner().invoke(gpu.main, ["--output", str(output)])
    assert result.exit_code == 0
    assert result.output.startswith("Nothing was measured: there is no GPU\n")
    record = json.loads(output.read_text())
    assert (record["ran"], record["reason"]) == (False, "Nothing was measured: there is no GPU")
    assert "points" not in record
    assert not output.with_suffix(".png").exists()


def test_what_was_measured_elsewhere_stays(no_gpu: None, tmp_path: Path) -> None:
    output = tmp_path / "gpu.json"
    output.write_text('{"ran": true}')
    result = CliRunner().invoke(gpu.main, ["--output", str(output)])
    assert result.exit_code == 0
    assert output.read_text() == '{"ran": true}'


def test_every_diagram_is_one_fused_attention() -> None:
    for kind in KINDS:
        compiled = analyse(read(kind.diagram), {"D": 64})
        (remark,) = compiled.remarks
        assert remark.fused, kind.name


def test_operations_of_kept_scores() -> None:
    length, window, document = 5000, WINDOW, DOCUMENT
    rows = range(length)
    assert BY_NAME["full"].scores(length) == length**2
    assert BY_NAME["causal"].scores(length) == length**2 / 2
    assert BY_NAME["window"].scores(length) == sum(min(q + 1, window) for q in rows)
    assert BY_NAME["window"].scores(700) == 700 * 701 / 2
    kept = sum(min(length, (q // document + 1) * document) - q // document * document for q in rows)
    assert BY_NAME["documents"].scores(length) == kept
    case = Case(BY_NAME["causal"], 128, 8192)
    assert (case.batch, case.heads) == (2, 16)
    assert case.flops == 4 * 2 * 16 * 8192**2 / 2 * 128


def test_the_grid_is_whole_and_begins_with_what_matters() -> None:
    grid = list(cases())
    assert len(set(map(str, grid))) == len(grid) == 6 * 3 * 6
    assert str(grid[0]) == "causal, D=128, N=8192"
    assert {case.length for case in grid} == {2**n for n in range(10, 16)}


def test_times_become_speeds_and_ratios() -> None:
    case = Case(BY_NAME["full"], 64, 1024)
    times = {"attn": [2.0, 1.0, 4.0], "SDPA flash": [1.0, 1.0, 1.5]}
    point = gpu.summary(case, times, {"SDPA cuDNN": "no"})
    assert point["milliseconds"] == {"attn": 2.0, "SDPA flash": 1.0}
    assert point["ratio"] == {"SDPA flash": 0.5}
    assert point["tflops"]["attn"] == pytest.approx(case.flops / 2e-3 / 1e12)
    assert "0.50 × SDPA flash" in gpu.line(point)
    assert point["absent"] == {"SDPA cuDNN": "no"}


@pytest.mark.parametrize("right", [True, False])
def test_the_sweep(right: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = [Case(BY_NAME["full"], 64, 1024), Case(BY_NAME["full"], 64, gpu.FLEX_LENGTH)]
    measured: list[tuple[int, bool]] = []

    def measure(case: Case, repeat: int, *, with_flex: bool) -> gpu.Record:
        measured.append((case.length, with_flex))
        return gpu.summary(case, {"attn": [1.0]}, {})

    monkeypatch.setattr(gpu, "cases", lambda: iter(grid))
    monkeypatch.setattr(gpu, "check", lambda case: {"error": 0.1, "right": right})
    monkeypatch.setattr(gpu, "measure", measure)
    found = gpu.sweep(float("inf"), 3)
    assert measured == ([(1024, False), (8192, False), (8192, True)] if right else [])
    assert len(found["points"]) == (2 if right else 0)
    assert found["not_measured"] == [] or all("is wrong" in task for task in found["not_measured"])
    late = gpu.sweep(float("-inf"), 3)
    assert (late["points"], len(late["not_measured"])) == ([], 3)


def test_the_picture(tmp_path: Path) -> None:
    times = {"attn": [1.0], "SDPA flash": [2.0]}
    points = [gpu.summary(Case(KINDS[0], 64, n), times, {}) for n in (1024, 2048)]
    gpu.plot({"points": points}, tmp_path / "gpu.png")
    assert (tmp_path / "gpu.png").read_bytes().startswith(b"\x89PNG")
    assert gpu_cases.HIDDEN == 2048
