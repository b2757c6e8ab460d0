"""What compilers say of every emitted file: no warning; and what each kernel takes of a GPU.

NVRTC gets the files as at run time, with no headers; nvcc and g++ see the launchers too. The table
is of one version of NVRTC: it is compared where that version is, and elsewhere the kernels have to
be the same. None of them spills a register.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from attn_cuda import BACKEND
from attn_cuda.cxx.unit import make_unit
from attn_cuda.kernels.kernel import Launch
from attn_cuda.runtime.cubin import compile_cubin, nvrtc_version
from attn_cuda.runtime.host import EMULATOR
from attn_cuda.source.calls import make_launcher
from emit_support import in_type
from test_calls import PROGRAMS, VARIANTS
from test_emit_text import SOURCES

from attn_dsl.backend import Options, Program
from attn_dsl.pipeline import analyse, read

HERE = Path(__file__).parent
TABLE = HERE / "goldens" / "registers.txt"
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
GENCODE = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in (80, 90, 100)]
ROW = re.compile(
    r"Compiling entry function '(?P<symbol>\w+)'.*?"
    r"(?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers(?:[^\n]*?(?P<shared>\d+) bytes smem)?",
    re.DOTALL,
)
LINE = "{:32} {:24} {:7} {:>9} {:>7} {:>7}"


def catalogue() -> Iterator[tuple[str, Program]]:
    """Every variant in f32 and bf16 with heads of 64 and 128; the other programs as they are."""
    for file in VARIANTS:
        drawn = analyse(read(file)).fused
        for dtype in ("f32", "bf16"):
            graph = in_type(drawn, dtype)
            for dim in (64, 128):
                known = {s: dim if s in ("D", "E") else 64 for s in graph.symbols}
                yield f"{file.stem}_{dtype}_{dim}", BACKEND.lower(graph, Options(known))
    variants = {file.stem for file in VARIANTS}
    yield from ((name, program) for name, program in PROGRAMS.items() if name not in variants)


CATALOGUE = dict(catalogue())


def launches(name: str) -> dict[str, Launch]:
    """The launches of a program by kernel; of several of one kernel the last."""
    program = CATALOGUE[name]
    launcher = make_launcher(make_unit(program.graph, program.sizes), program.entry)
    return {launch.kernel: launch for _, launch in launcher.launches}


@cache
def rows(name: str, architecture: str) -> tuple[str, ...]:
    """Registers of a thread, bytes that it spills, and shared memory of a block, by kernel."""
    kernels = launches(name)
    source = CATALOGUE[name].source
    cubin, log = compile_cubin(source, list(kernels), architecture, flags=["-v"])
    assert "warning" not in log
    found = {match["symbol"]: match for match in ROW.finditer(log)}
    lines = []
    for kernel, symbol in cubin.symbols.items():
        match = found[symbol]
        spilled = int(match["stores"]) + int(match["loads"])
        shared = int(match["shared"] or 0) + kernels[kernel].shared_bytes
        numbers = match["registers"], spilled, shared
        lines.append(LINE.format(name, kernel, architecture, *numbers))
    return tuple(lines)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", CATALOGUE)
def test_no_warning_and_the_same_registers(
    name: str, architecture: str, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--update-goldens"):
        return  # the whole table is written below
    found, wanted = rows(name, architecture), table_of(name, architecture)
    if nvrtc_version() == version():
        assert list(found) == wanted
    assert [line.split()[1] for line in found] == [line.split()[1] for line in wanted]
    assert all(spills(line) == 0 for line in found)


def test_the_table_is_whole(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-goldens"):
        lines = [line for name in CATALOGUE for a in ARCHITECTURES for line in rows(name, a)]
        head = LINE.format("file", "kernel", "for", "registers", "spilled", "shared")
        text = "\n".join([f"NVRTC {nvrtc_version()}; spilled and shared in bytes", head, *lines])
        TABLE.write_text(text + "\n", encoding="utf-8")
    names = {line.split()[0] for line in TABLE.read_text(encoding="utf-8").splitlines()[2:]}
    assert names == set(CATALOGUE)


def table_of(name: str, architecture: str) -> list[str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.split()[0] == name and f" {architecture} " in line]


def version() -> str:
    return TABLE.read_text(encoding="utf-8").split(";")[0].removeprefix("NVRTC ")


def spills(line: str) -> int:
    return int(line.split()[-2])


TEXTS = SOURCES | {f"of_{name}": program.source for name, program in PROGRAMS.items()}


def all_in_one(folder: Path) -> Path:
    """One file of all of them: compilers take long to start."""
    both = "".join(f"namespace {name} {{\n{_inner(text)}}}\n" for name, text in TEXTS.items())
    file = folder / "all.cu"
    file.write_text(f"#include <cuda_runtime.h>\n#include <math.h>\n{both}", encoding="utf-8")
    return file


def _inner(text: str) -> str:
    """A file without its includes, and with a launcher that may exist twice."""
    lines = [line for line in text.splitlines() if not line.startswith("#include")]
    return "\n".join(lines).replace('extern "C" int', "int") + "\n"


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not here")
def test_nvcc_has_no_complaint(tmp_path: Path) -> None:
    file = all_in_one(tmp_path)
    command = ["nvcc", "-std=c++17", *GENCODE, "-Werror", "all-warnings"]
    command += ["-Xcompiler", "-Wall,-Wextra", "-c", str(file), "-o", str(tmp_path / "all.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_gcc_has_no_complaint(tmp_path: Path) -> None:
    command = ["g++", "-x", "c++", "-std=c++20", "-Wall", "-Wextra", "-Wno-unknown-pragmas"]
    command += ["-I", str(EMULATOR), "-fsyntax-only", str(all_in_one(tmp_path))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("language", "standard"), [("c", "c11"), ("c++", "c++17")])
def test_headers_are_c_and_c_plus_plus(language: str, standard: str, tmp_path: Path) -> None:
    for name, program in PROGRAMS.items():
        (tmp_path / f"{name}.h").write_text(program.header, encoding="utf-8")
        (tmp_path / f"{name}.c").write_text(f'#include "{name}.h"\n' * 2, encoding="utf-8")
    command = ["gcc", "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic"]
    files = sorted(map(str, tmp_path.glob("*.c")))
    result = subprocess.run(
        [*command, "-fsyntax-only", *files], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "const unsigned short* Q" in PROGRAMS["causal_bf16_64"].header
