"""`attn bench`: what it prints and writes. Times are not looked at."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from attn_dsl.bench.peers import NoPeer, added_to_score
from attn_dsl.bench.turns import OURS, compare
from attn_dsl.cli import main
from attn_dsl.expr import parse, to_text
from attn_dsl.ir import Sizes
from attn_dsl.pipeline import build

CAUSAL = str(Path(__file__).parents[2] / "examples" / "causal.attn")
SMALL = ("--set", "B=1", "--set", "H=2", "--set", "D=4", "--repeat", "3")


def bench(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["bench", CAUSAL, *SMALL, *arguments])
    return result.exit_code, result.output


def test_a_table_a_record_and_a_plot(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("out.json", "out.png")]
    code, text = bench("--sweep", "N=8, 16", "--json", files[0], "--plot", files[1])
    assert code == 0, text
    assert "medians of 3 runs" in text
    assert text.index("N=8,") < text.index("N=16,")
    record = json.loads((tmp_path / "out.json").read_text())
    assert [point["sizes"]["N"] for point in record["points"]] == [8, 16]
    assert all(len(point["seconds"][OURS]) == 3 for point in record["points"])
    assert record["machine"]["cores"] >= 1
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sweep", "M=3"), "there is no size 'M'; sizes are B, H, N, D"),
        (("--sweep", "N=0"), "is not of the form N=1024,2048,4096"),
        (("--against", "nobody"), "'nobody' is not"),
    ],
)
def test_what_it_refuses(arguments: tuple[str, ...], said: str) -> None:
    code, text = bench(*arguments)
    assert code != 0
    assert said in text


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def no_torch(name: str, *rest: Any) -> Any:
        if name.split(".")[-1] in ("torch", "pytorch"):
            raise ImportError("No module named 'torch'")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_torch)
    code, text = bench("--against", "torch")
    assert code == 1
    assert "pip install 'attn-dsl[bench]'" in text


def test_peers_run_in_turn_and_their_difference_is_told() -> None:
    turns: list[str] = []
    kernel = build(CAUSAL)
    sizes = Sizes({"B": 1, "H": 1, "N": 4, "D": 2})

    def beside(graph: object, arrays: Any, sizes: Sizes) -> Any:
        def run() -> Any:
            turns.append("beside")
            return kernel(**arrays) + np.float32(0.5)

        return run

    def unable(graph: object, arrays: Any, sizes: Sizes) -> Any:
        raise NoPeer("it has a reason")

    record = compare(kernel, [sizes], {"beside": beside, "unable": unable}, repeat=4)
    (point,) = record.points
    assert len(turns) == 1 + 2 * 4
    assert point.differences == {"beside": pytest.approx(0.5)}
    assert [(a.name, a.reason) for a in point.absent] == [("unable", "it has a reason")]
    assert point.ratio("beside") == point.median("beside") / point.median(OURS)


@pytest.mark.parametrize(
    ("score", "added"),
    [("s", "0"), ("s + q", "0 + q"), ("k - 2 + (s - q)", "k - 2 + (0 - q)")],
)
def test_what_a_score_adds(score: str, added: str) -> None:
    assert to_text(added_to_score(parse(score))) == added


@pytest.mark.parametrize("score", ["2 * s", "tanh(s)", "q - s", "s + s"])
def test_scores_that_are_more_than_added_to(score: str) -> None:
    with pytest.raises(NoPeer):
        added_to_score(parse(score))
