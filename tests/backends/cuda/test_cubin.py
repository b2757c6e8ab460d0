"""Machine code by NVRTC: what is compiled, and what the disk gives back."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attn_cuda.runtime import cubin
from attn_cuda.runtime.cubin import Cubin, build_cubin, compile_cubin, pack, unpack
from attn_cuda.runtime.host import BuildError
from attn_cuda.source.architecture import ARCHITECTURES
from cuda.bindings import nvrtc

from attn_dsl.backend import Unavailable

SOURCE = "template <typename T> __global__ void twice(T* x) { x[threadIdx.x] *= 2; }"
KERNELS = ["twice<float>", "twice<int>"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path))
    return tmp_path


def count_compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    compiled: list[str] = []

    def counting(source: str, kernels: list[str], architecture: str) -> tuple[Cubin, str]:
        compiled.append(architecture)
        return compile_cubin(source, kernels, architecture)

    monkeypatch.setattr(cubin, "compile_cubin", counting)
    return compiled


def test_each_architecture_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = count_compilations(monkeypatch)
    first = build_cubin(SOURCE, KERNELS, "sm_80")
    assert build_cubin(SOURCE, KERNELS, "sm_80") == first
    assert build_cubin(SOURCE, KERNELS, "sm_90a").code != first.code
    assert build_cubin(SOURCE + "\n", KERNELS, "sm_80").symbols == first.symbols
    assert compiled == ["sm_80", "sm_90a", "sm_80"]
    assert set(first.symbols) == set(KERNELS)
    assert first.code.startswith(b"\x7fELF")
    assert all(symbol.encode() in first.code for symbol in first.symbols.values())


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_file_is_built_anew(
    damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = count_compilations(monkeypatch)
    whole = build_cubin(SOURCE, KERNELS, "sm_80")
    (file,) = folder.glob("*.cubin")
    data = file.read_bytes()
    middle = len(data) // 2
    broken = {
        "cut": data[:middle],
        "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "emptied": b"",
    }
    file.write_bytes(broken[damage])
    assert build_cubin(SOURCE, KERNELS, "sm_80") == whole
    assert len(compiled) == 2
    assert file.read_bytes() == data


def test_two_at_the_same_time(folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: build_cubin(SOURCE, KERNELS, "sm_80"), range(2))
    assert first == second
    assert [path.suffix for path in folder.iterdir()] == [".cubin"]


def test_files_of_it() -> None:
    made = Cubin(b"\n\x00code\n", {"a<b>": "_a"})
    assert unpack(pack(made)) == made
    assert unpack(pack(made)[:-1]) is None


def test_source_that_does_not_compile(folder: Path) -> None:
    with pytest.raises(
        BuildError, match=r'(?s)NVRTC for sm_80.*identifier "nonsense" is undefined'
    ):
        build_cubin("__global__ void f() { nonsense; }", ["f"], "sm_80")
    assert list(folder.iterdir()) == []


def test_architectures_are_those_that_nvrtc_knows() -> None:
    _, known = nvrtc.nvrtcGetSupportedArchs()
    assert set(known) >= set(ARCHITECTURES.values())


@pytest.mark.parametrize("module", ["cuda.core", "cuda.bindings"])
def test_no_nvrtc(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unavailable, match=r"NVRTC cannot be used.*attn-dsl\[cuda\]"):
        build_cubin(SOURCE, KERNELS, "sm_80")
