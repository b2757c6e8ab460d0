"""What each command prints and writes when all is well."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from click.testing import Result

from attn_dsl.ir import from_text

Run = Callable[..., Result]
SMALL = ["--set", "N=8", "--set", "H=2", "--set", "D=4"]


def test_check_says_ok_for_each_file(run: Run, causal: str) -> None:
    result = run("check", causal, causal)
    assert result.exit_code == 0
    assert result.stdout == f"{causal}: ok\n" * 2


def test_check_goes_on_after_a_bad_file(run: Run, causal: str) -> None:
    Path("bad.attn").write_text("flowchart TD\n  A --> B[MatMul]\n")
    result = run("check", "bad.attn", causal)
    assert result.exit_code == 1
    assert "attn[E033]" in result.stderr
    assert f"{causal}: ok" in result.stdout


def test_parse_prints_one_json_object_a_line(run: Run, causal: str) -> None:
    Path("bad.attn").write_text("flowchart TD\n  A[open --> B\n")
    result = run("parse", "--json", causal, "bad.attn")
    good, bad = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 1
    assert good["ok"] is True
    assert good["direction"] == "TB"
    assert {"id": "Mask", "text": "Mask: k <= q"}.items() <= good["nodes"][5].items()
    assert {"from": "Q", "to": "S"}.items() <= good["edges"][0].items()
    assert bad["ok"] is False
    assert set(bad) == {"file", "ok", "error"}


def test_parse_for_people(run: Run, causal: str) -> None:
    assert "Q → S" in run("parse", causal).stdout


def test_explain_prints_the_graph_after_a_pass(run: Run, causal: str) -> None:
    drawn = from_text(run("explain", causal, "--print-after", "elaborate").stdout.split("\n", 1)[1])
    fused = run("explain", causal, "--print-after", "fuse-attention").stdout.split("\n", 1)[1]
    assert [s.op.mnemonic for s in drawn.statements].count("softmax") == 1
    assert "tiled_attention(" in fused
    assert "softmax(" not in fused


def test_explain_counts_the_tiles_that_causal_skips(run: Run, causal: str) -> None:
    """16 × 16 tiles: the diagonal is partial, 120 lie below it and 120 above."""
    text = run("explain", causal).stdout
    assert "120 full, 16 partial, 120 skipped" in text


def test_explain_says_why_not(run: Run) -> None:
    Path("two.attn").write_text(
        'flowchart TD\n A["A : f32[N, M]"] --> S[Softmax] --> O[MatMul]\n'
        ' V["V : f32[M, D]"] --> O\n'
    )
    text = run("explain", "two.attn").stdout
    assert "not fused: 1 softmax" in text
    assert "because its scores do not come from a matrix product" in text


def test_run_is_reproducible_and_says_what_it_did(run: Run, causal: str) -> None:
    first, again = run("run", causal, *SMALL), run("run", causal, *SMALL)
    other = run("run", causal, *SMALL, "--seed", "1")
    assert first.stdout == again.stdout != other.stdout
    assert "ran on    numpy" in first.stdout
    assert "sizes     B = 1, H = 2, N = 8, D = 4" in first.stdout
    assert "output    Output float32[1, 2, 8, 4]" in first.stdout
    assert "checksum  Output sum " in first.stdout


def test_run_reads_inputs_and_writes_outputs(run: Run, causal: str) -> None:
    arrays = {name: np.ones((1, 1, 3, 4), np.float32) for name in ("Q", "K", "V")}
    np.savez("in.npz", **arrays)  # type: ignore[arg-type]
    assert run("run", causal, "--inputs", "in.npz", "-o", "out.npz").exit_code == 0
    np.testing.assert_allclose(np.load("out.npz")["Output"], arrays["V"], rtol=1e-6)


def test_both_backends_agree_on_the_checksum(run: Run, causal: str) -> None:
    numpy = run("run", causal, *SMALL).stdout.splitlines()
    cuda = run("run", causal, *SMALL, "--target", "cuda", "--emulate").stdout.splitlines()
    assert cuda[0] == "ran on    cuda, emulated on the host"
    assert cuda[1:] == numpy[1:]


def test_compile_writes_a_module_that_stands_alone(run: Run, causal: str) -> None:
    assert run("compile", causal, "-o", "kernel.py").exit_code == 0
    source = Path("kernel.py").read_text(encoding="utf-8")
    imports = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for alias in getattr(node, "names", [])
        if isinstance(node, ast.Import)
    }
    assert imports <= {"math", "os", "numpy"}  # and threadpoolctl where it is there
    subprocess.run([sys.executable, "-I", "kernel.py"], check=True)


def test_compile_writes_a_header_beside_a_file_of_cuda(run: Run, causal: str) -> None:
    arguments = ["compile", causal, "--target", "cuda", "--arch", "sm_90a", "-o"]
    result = run(*arguments, "kernel.cu")
    assert result.stdout.splitlines()[1] == "wrote kernel.h: for C and C++ that calls it"
    entry = result.stdout.split("call ")[1].split()[0]
    assert f"int {entry}(const float* Q" in Path("kernel.h").read_text()
    assert run(*arguments, "kernel.txt").exit_code == 0
    assert sorted(path.name for path in Path.cwd().glob("kernel.*")) == [
        "kernel.cu",
        "kernel.h",
        "kernel.txt",
    ]


def test_compile_for_a_gpu_that_there_is_not(run: Run, causal: str) -> None:
    result = run("compile", causal, "--target", "cuda", "--arch", "sm_9", "-o", "kernel.cu")
    assert result.exit_code == 1
    assert "there is no GPU architecture 'sm_9'; there are sm_75" in result.stderr
    assert not Path("kernel.cu").exists()
    result = run("compile", causal, "--arch", "sm_90")
    assert "--arch sm_90 is for the cuda target" in result.stderr
    result = run("compile", causal, "--blas", "cublaslt")
    assert "--blas cublaslt is for the cuda target" in result.stderr
    result = run("compile", causal, "--target", "cuda", "--set", "D=64", "--blas", "mkl")
    assert "--blas mkl: there is no such library; there is cublaslt" in result.stderr


def test_compile_prints_without_an_output(run: Run, causal: str) -> None:
    assert run("compile", causal).stdout.startswith('"""Causal attention')
    assert "__global__" in run("compile", causal, "--target", "cuda").stdout


def test_json_of_a_drawing_takes_its_place(run: Run, causal: str) -> None:
    Path("causal.json").write_text(run("parse", "--json", causal).stdout)
    assert run("check", "causal.json").exit_code == 0
    text = run("parse", "--text", "causal.json").stdout
    assert text.startswith('---\ntitle: "Causal attention"\n')
    assert '    Mask["Mask: k <= q"]\n' in text
    compiled = [run("compile", file).stdout.splitlines()[1:] for file in (causal, "causal.json")]
    assert compiled[0] == compiled[1]
    refused = run("fmt", "causal.json")
    assert refused.exit_code == 1
    assert "`attn parse --text causal.json`" in refused.stderr
    assert run("check", "causal.json#2").exit_code == 1
