"""The C program that calls a kernel: run on the emulator, and built as its comment says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from attn_cuda.runtime.host import EMULATOR, build_emulated
from click.testing import CliRunner

from attn_dsl.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "c" / "main.c"
STRICT = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the example's own `attn compile` writes."""
    folder = tmp_path_factory.mktemp("c")
    (command,) = re.findall(r"attn (compile .*)", EXAMPLE.read_text(encoding="utf-8"))
    command = command.replace("../variants", str(ROOT / "examples" / "variants"))
    command = command.replace("causal.cu", str(folder / "causal.cu"))
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 0, result.output
    assert "causal.h: for C and C++ that calls it" in result.output
    return folder


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints, in a folder in which libraries are found."""
    names, environment = [str(part) for part in command], {**os.environ, "LD_LIBRARY_PATH": "."}
    result = subprocess.run(
        names, capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build_program(folder: Path, text: str) -> Path:
    """The program with the library of the emulator."""
    (folder / "main.c").write_text(text, encoding="utf-8")
    library = build_emulated((folder / "causal.cu").read_text(encoding="utf-8"))
    shutil.copy(library, folder / "libcausal.so")
    run(
        "gcc",
        *STRICT,
        f"-I{EMULATOR}",
        "main.c",
        "-L.",
        "-lcausal",
        "-lm",
        "-o",
        "main",
        cwd=folder,
    )
    return folder / "main"


def test_it_computes_what_plain_loops_do(folder: Path) -> None:
    program = build_program(folder, EXAMPLE.read_text(encoding="utf-8"))
    output = run(program, cwd=folder)
    assert re.fullmatch(r"57600 numbers, at most \d\.\de-0[6-9] from plain loops\n", output)


def test_it_sees_wrong_numbers(folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    program = build_program(folder, text.replace("HEADS, LENGTH, STRIDES", "HEADS, LENGTH, NULL"))
    with pytest.raises(AssertionError, match="from plain loops"):
        run(program, cwd=folder)


@pytest.mark.parametrize(("language", "standard"), [("c", "c11"), ("c++", "c++17")])
def test_the_header_is_c_and_c_plus_plus(language: str, standard: str, folder: Path) -> None:
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    (folder / "use.txt").write_text('#include "causal.h"\n#include "causal.h"\n', encoding="utf-8")
    run("gcc", "-x", language, *flags, "use.txt", cwd=folder)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not here")
def test_nvcc_builds_it_as_the_comment_says(folder: Path) -> None:
    lines = re.findall(r"(nvcc .*)", EXAMPLE.read_text(encoding="utf-8"))
    shutil.copy(EXAMPLE, folder)
    for line in lines[:2]:
        run(*line.replace("native", "sm_90").split(), cwd=folder)
    symbols = run("nm", "-D", folder / "main", cwd=folder)
    assert "U launch_causal" in symbols
