"""What bad input gets: a message that names the place, exit status 1, and no file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

Run = Callable[..., Result]
COMMANDS = [
    ("check", "bad.attn"),
    ("explain", "bad.attn"),
    ("run", "bad.attn", "-o", "out.npz"),
    ("compile", "bad.attn", "-o", "out.py"),
    ("compile", "bad.attn", "--target", "cuda", "--set", "D=8", "-o", "out.cu"),
    ("render", "bad.attn", "--view", "fused", "-o", "out.svg"),
]
FILES = {
    "E001": None,
    "E002": b"flowchart TD\n A[\xff] --> B\n",
    "E003": b"",
    "E009": b"flowchart TD\n A[Q --> B\n",
    "E031": b'flowchart TD\n A["A : f32[N]"] --> B@{ op: rope }\n',
    "E034": b'flowchart TD\n A["A : f32[N,N]"] --> B[Add] --> C[Softmax] --> B\n C --> D\n',
    "E033": b'flowchart TD\n A["A : f32[N,N]"] --> B[MatMul]\n',
    "E038": b'flowchart TD\n A["A : f32[N,D]"] & B["B : f32[M,E]"] --> C[MatMul]\n',
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:1]))
@pytest.mark.parametrize("code", FILES)
def test_bad_file(run: Run, code: str, command: tuple[str, ...]) -> None:
    content = FILES[code]
    if content is not None:
        Path("bad.attn").write_bytes(content)
    before = sorted(Path.cwd().iterdir())
    result = run(*command)
    assert result.exit_code == 1
    assert f"attn[{code}]" in result.stderr
    assert sorted(Path.cwd().iterdir()) == before


def test_unwritable_output_leaves_nothing(run: Run, causal: str) -> None:
    Path("folder").mkdir()
    for command, name in (("compile", "x.py"), ("render", "x.svg"), ("run", "x.npz")):
        result = run(command, causal, "-o", f"missing/{name}", "--set", "N=4")
        assert result.exit_code == 1
        assert "attn[E081]" in result.stderr
        result = run(command, causal, "-o", "folder", "--set", "N=4")
        assert result.exit_code == 1
    assert [p.name for p in Path.cwd().iterdir()] == ["folder"]
    assert not list(Path("folder").iterdir())


def test_an_output_that_cannot_be_written_keeps_the_old_one(
    run: Run, causal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("kernel.py").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    result = run("compile", causal, "-o", "kernel.py")
    assert result.exit_code == 1
    assert "no space left on device" in result.stderr
    assert Path("kernel.py").read_text() == "old"
    assert [p.name for p in Path.cwd().iterdir()] == ["kernel.py"]


def test_cuda_without_a_device_names_both_ways_on(
    run: Run, causal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("run", causal, "--target", "cuda")
    assert result.exit_code == 1
    assert "--emulate" in result.stderr
    assert "attn compile" in result.stderr
    assert "nvcc" in result.stderr


def test_a_compiler_that_is_missing_is_no_traceback(
    run: Run, causal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("run", causal, "--target", "cuda", "--emulate")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: g++ is needed to run CUDA source without a GPU")


def test_cuda_needs_a_head_dim(run: Run) -> None:
    source = "flowchart TD\n Q & K --> S[MatMul] --> P[Softmax] --> O[MatMul]\n V --> O\n"
    Path("plain.attn").write_text(source)
    result = run("compile", "plain.attn", "--target", "cuda")
    assert result.exit_code == 1
    assert "attn[E060]" in result.stderr
    assert "--set D=64" in result.stderr
    sizes = ["--set", "D=8", "--set", "Dv=8"]
    assert run("compile", "plain.attn", "--target", "cuda", *sizes).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "Q=3"], "nothing asks for `Q`"),
        (["--set", "N=-1"], "whole number above 0"),
        (["--set", "N"], "not of the form"),
        (["--set", "dtype=f8"], "no element type"),
        (["--target", "rocm"], "there are cuda, numpy"),
        (["--inputs", "none.npz"], "cannot be read"),
        (["--inputs", "text.npz"], "is no npz file"),
        (["--inputs", "partial.npz"], "input 'K' is missing"),
        (["--inputs", "wide.npz"], "input 'K' is float64, and has to be float32"),
        (["--inputs", "rank.npz"], "input 'V' is f32[B, H, N, D]: it needs 4 dims"),
        (["--inputs", "long.npz"], "N is 3 here, 2 in 'Q'"),
        (["--inputs", "extra.npz"], "there is no input 'X'; inputs are Q, K, V"),
    ],
)
def test_bad_options(run: Run, causal: str, arguments: list[str], message: str) -> None:
    good = np.zeros((1, 1, 2, 4), np.float32)
    Path("text.npz").write_text("hello")
    np.savez("partial.npz", Q=good)
    np.savez("wide.npz", Q=good, K=good.astype(np.float64), V=good)
    np.savez("rank.npz", Q=good, K=good, V=good[0])
    np.savez("long.npz", Q=good, K=np.zeros((1, 1, 3, 4), np.float32), V=good)
    np.savez("extra.npz", Q=good, K=good, V=good, X=good)
    result = run("run", causal, *arguments)
    assert result.exit_code != 0
    assert message in result.stderr


def test_sizes_that_no_machine_holds(run: Run, causal: str) -> None:
    """Compiled for, explained as far as it goes, and not run."""
    huge = ("--set", "N=1000000000")
    assert run("compile", causal, *huge).exit_code == 0
    explained = run("explain", causal, *huge)
    assert explained.exit_code == 0
    assert "244,140,625,000,000 tiles are too many to count" in explained.stdout
    for command in ("run", "bench"):
        result = run(command, causal, *huge)
        assert result.exit_code == 1
        assert "this needs more memory than there is: the inputs alone are" in result.stderr


def test_a_line_that_is_too_long(run: Run) -> None:
    """It is refused before it is read, unless --max-size allows it."""
    Path("long.attn").write_text('flowchart TD\nQ(["Q : f32[N]"]) --> P[Softmax]' + " " * 500_000)
    for command in ("check", "fmt"):
        result = run(command, "long.attn")
        assert result.exit_code == 1
        assert "attn[E026]: line 2 is longer than 500,000 characters" in result.stderr
    assert run("check", "long.attn", "--max-size", "4MB").exit_code == 0
