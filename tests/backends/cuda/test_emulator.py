"""Hand-written CUDA files, run by the emulator: what they compute, and what it says of mistakes."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attn_cuda.runtime import host
from attn_cuda.runtime.host import EMULATOR, BuildError, build_emulated
from attn_cuda.runtime.library import CudaError, Library
from emulator_support import KERNELS, emulated, line_of, text

Array = np.ndarray[Any, Any]

FILES = sorted({*KERNELS.glob("*.cu")} - {KERNELS / "tensor.cu"})  # it needs more than itself


def numbers(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def fault(symbol: str, n: int = 64) -> CudaError:
    """The error of a kernel of faults.cu, after which the library must still work."""
    with pytest.raises(CudaError) as caught:
        emulated("faults").call(symbol, [numbers(n)], [np.empty(n, np.float32)], [n])
    test_add(129)
    return caught.value


# ---- What kernels compute ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 5000])
def test_add(n: int) -> None:
    a, b = numbers(n), numbers(n) * 2
    out = np.full(n, np.nan, np.float32)
    emulated("add").call("add", [a, b], [out], [n])
    np.testing.assert_array_equal(out, a + b)


def test_vectors_of_four() -> None:
    x, out = numbers(400), np.empty(400, np.float32)
    emulated("add").call("triple", [x], [out], [400])
    np.testing.assert_array_equal(out, x * np.float32(3))


def test_none_is_a_null_pointer_and_an_empty_array_is_not() -> None:
    out = np.empty(1, np.int32)
    for array, expected in [(None, 1), (np.empty(0, np.float32), 0), (numbers(1), 0)]:
        emulated("add").call("is_null", [array], [out])
        assert out[0] == expected


def test_input_of_any_strides() -> None:
    a, b = numbers(20, 10).T, numbers(10, 20)
    out = np.empty((10, 20), np.float32)
    emulated("add").call("add", [a, b], [out], [200])
    np.testing.assert_array_equal(out, a + b)


def test_output_must_be_contiguous() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        emulated("add").call("add", [numbers(4), numbers(4)], [np.empty((4, 2))[:, 0]], [4])


@pytest.mark.parametrize("symbol", ["sum_static", "sum_dynamic"])
@pytest.mark.parametrize(("rows", "n"), [(1, 7), (5, 256), (16, 1000)])
def test_reduction_with_barriers(symbol: str, rows: int, n: int) -> None:
    x, out = numbers(rows, n), np.empty(rows, np.float32)
    emulated("reduce").call(symbol, [x], [out], [rows, n])
    np.testing.assert_allclose(out, x.sum(axis=1), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("m", "n", "k"), [(16, 16, 16), (1, 1, 1), (50, 33, 70)])
def test_tiled_matmul(m: int, n: int, k: int) -> None:
    a, b, c = numbers(m, k), numbers(k, n), np.empty((m, n), np.float32)
    emulated("matmul").call("matmul", [a, b], [c], [m, n, k])
    np.testing.assert_allclose(c, a @ b, rtol=1e-4, atol=1e-4)


def shift_in_eights(x: Array, by: int) -> Array:
    place = np.arange(len(x)) % 8 + by
    inside = (place >= 0) & (place < 8)
    return np.where(inside, np.roll(x, -by), x)


def halves(x: Array) -> Array:
    lanes = x.reshape(-1, 2, 16).copy()
    lanes[:, 0] = lanes[:, 0].sum(axis=-1, keepdims=True)
    lanes[:, 1] = lanes[:, 1, :1]
    return lanes.ravel()


def votes(warp: Array) -> int:
    positive = warp > 0
    return int(positive.sum() + 100 * positive.any() + 1000 * positive.all())


WARPS: dict[str, Callable[[Array], Array]] = {
    "sum": lambda x: np.repeat(x.reshape(-1, 32).sum(axis=1), 32),
    "quad": lambda x: np.repeat(x.reshape(-1, 4).max(axis=1), 4),
    "down": lambda x: shift_in_eights(x, 3),
    "up": lambda x: shift_in_eights(x, -3),
    "broadcast": lambda x: np.repeat(x[5::32], 32) + np.tile(np.repeat([9, 25], 16), len(x) // 32),
    "halves": halves,
    "vote": lambda x: np.repeat([votes(warp) for warp in x.reshape(-1, 32)], 32),
}


@pytest.mark.parametrize("symbol", WARPS)
@pytest.mark.parametrize("lowest", [-96, -16, 1])
def test_warps(symbol: str, lowest: int) -> None:
    x = np.arange(lowest, lowest + 96).astype(np.float32)
    out = np.empty_like(x)
    emulated("warp").call(symbol, [x], [out], [96])
    np.testing.assert_array_equal(out, WARPS[symbol](x))


def test_three_dimensions() -> None:
    sizes = (2, 3, 4, 5, 6, 7)  # grid x, y, z; block x, y, z
    out = np.empty((4, 3, 2, 7, 6, 5, 6), np.uint32)
    emulated("grid").call("places", [], [out], sizes)
    np.testing.assert_array_equal(out, np.moveaxis(np.indices(out.shape[:-1]), 0, -1))


def test_blocks_share_device_memory() -> None:
    count, total = np.empty(1, np.int32), np.empty(1, np.float32)
    emulated("grid").call("count", [], [count, total], [100])
    assert (count[0], total[0]) == (3200, 1600.0)


def test_mathematics_and_memory_of_the_launcher() -> None:
    x, out = numbers(200), np.empty(200, np.float32)
    emulated("grid").call("softplus", [x], [out], [200])
    np.testing.assert_allclose(out, np.logaddexp(x, 0), rtol=1e-5, atol=1e-6)


def test_many_launches() -> None:
    for n in range(100):
        test_add(n)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_many_barriers_are_fast(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_EMULATOR_THREADS", workers)
    out = np.empty(64 * 256, np.int32)
    start = time.perf_counter()
    emulated("reduce").call("barriers", [], [out], [64, 25])
    assert time.perf_counter() - start < 2
    assert (out == 25).all()


def test_fibers_of_the_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "FLAGS", (*host.FLAGS, "-DATTN_EMULATOR_UCONTEXT"))
    library = Library(build_emulated(text("reduce")))
    x, out = numbers(3, 500), np.empty(3, np.float32)
    library.call("sum_dynamic", [x], [out], [3, 500])
    np.testing.assert_allclose(out, x.sum(axis=1), rtol=1e-5, atol=1e-4)


# ---- What it says of mistakes ------------------------------------------------------------------


def test_barriers_at_different_lines() -> None:
    error = fault("divergent")
    assert error.name == "cudaErrorLaunchFailure"
    assert f"32 waiting in __syncthreads at line {line_of('upper')}" in str(error)
    assert f"32 waiting in __syncthreads at line {line_of('lower')}" in str(error)


def test_return_before_a_barrier() -> None:
    error = fault("leaves")
    assert error.name == "cudaErrorLaunchFailure"
    assert f"63 waiting in __syncthreads at line {line_of('never complete')}" in str(error)
    assert "1 returned (first: thread (63, 0, 0))" in str(error)


def test_shuffle_that_not_all_lanes_reach() -> None:
    error = fault("lonely")
    assert error.name == "cudaErrorLaunchFailure"
    assert f"7 waiting in a warp at line {line_of('seven of all lanes')}" in str(error)
    assert f"57 waiting in __syncthreads at line {line_of('the others')}" in str(error)


def test_shuffle_by_a_lane_outside_its_mask() -> None:
    error = str(fault("outsider"))
    assert (
        f"kernel outsider_kernel: line {line_of('whose mask')}: lane 1, thread (1, 0, 0)" in error
    )
    assert "is not in the mask 0x00000001" in error


def test_warp_that_one_lane_does_not_join() -> None:
    error = str(fault("meets_alone"))
    assert "kernel meets_alone_kernel: the threads of block (0, 0, 0) do not meet" in error
    assert f"15 waiting in a warp at line {line_of('all lanes that are left but one')}" in error
    assert f"17 waiting in __syncthreads at line {line_of('the one')}" in error


def test_shared_memory_that_was_not_written() -> None:
    error = str(fault("unwritten"))
    assert re.search(
        r"kernel unwritten_kernel: thread \(0, 0, 0\) of block \(0, 0, 0\) read from byte \d+ of "
        rf"static shared memory at line {line_of('from nobody')}, to which nobody has written",
        error,
    )


@pytest.mark.parametrize(
    ("symbol", "remark", "words"),
    [
        (
            "misaligned",
            "four from an odd place",
            "thread (0, 0, 0) of block (0, 0, 0) used a 'const",
        ),
        ("misaligned_shared", "two to an odd place", "thread (1, 0, 0) of block (0, 0, 0) used a "),
    ],
)
def test_vectors_at_places_that_are_no_multiple(symbol: str, remark: str, words: str) -> None:
    error = fault(symbol)
    assert (error.code, error.name) == (716, "cudaErrorMisalignedAddress")
    assert f"kernel {symbol}_kernel: {words}" in str(error)
    assert f"at line {line_of(remark)} that lies at" in str(error)


def test_index_into_the_next_row_of_an_array() -> None:
    error = str(fault("next_row"))
    assert "thread (33, 0, 0) of block (0, 0, 0) used index 33 of a 'float [33]'" in error
    assert error.endswith(f"at line {line_of('into the next row')}")


def test_places_without_the_tool_that_reads_line_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    library = emulated("faults")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CudaError, match=r": address 0x\w+: thread .* at address 0x\w+, to which"):
        library.call("unwritten", [numbers(64)], [np.empty(64, np.float32)], [64])


@pytest.mark.parametrize(
    ("symbol", "n", "words"),
    [
        ("read_behind", 64, "thread (60, 0, 0) of block (0, 0, 0) read from byte 256 of a buffer"),
        ("read_behind", 64, f"of a buffer of 256 bytes at line {line_of('four further')}"),
        ("write_behind", 64, "thread (60, 0, 0) of block (0, 0, 0) wrote to byte 256 of a buffer"),
        ("write_behind", 64, f"of a buffer of 256 bytes at line {line_of('to four further')}"),
        ("write_just_behind", 63, "wrote close before or behind a buffer of 252 bytes"),
        ("write_before", 1024, "wrote to byte -4 of a buffer of 4096 bytes"),
        ("write_before", 64, "wrote close before or behind a buffer of 256 bytes"),
        ("deep", 64, "wrote to the end of its stack"),
    ],
)
def test_outside_of_memory(symbol: str, n: int, words: str) -> None:
    error = fault(symbol, n)
    assert (error.code, error.name) == (700, "cudaErrorIllegalAddress")
    assert words in str(error)


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("sum_no_shared", "byte 0 of the block's 0 bytes of dynamic shared memory"),
        ("sum_too_little_shared", "byte 1020 of the block's 1020 bytes of dynamic shared memory"),
        ("sum_hasty", "static shared memory at line 35, to which nobody has written"),
    ],
)
def test_outside_of_shared_memory(symbol: str, words: str) -> None:
    with pytest.raises(CudaError) as caught:
        emulated("reduce").call(symbol, [numbers(4, 300)], [np.empty(4, np.float32)], [4, 300])
    assert caught.value.name == "cudaErrorIllegalAddress"
    assert words in str(caught.value)


def test_shared_memory_must_be_asked_for() -> None:
    def run(size: int, ask: int) -> None:
        x, out = numbers(2, 300), np.empty(2, np.float32)
        library = Library(build_emulated(text("reduce") + f"// {size}"))  # with nothing asked yet
        library.call("sum_shared", [x], [out], [2, 300, size, ask])
        np.testing.assert_allclose(out, x.sum(axis=1), rtol=1e-5, atol=1e-4)

    run(48 * 1024, ask=0)
    with pytest.raises(CudaError, match=r"cudaErrorInvalidValue.*49153 bytes.*49152"):
        run(48 * 1024 + 1, ask=0)
    run(227 * 1024, ask=1)
    with pytest.raises(CudaError, match=r"cudaErrorInvalidValue.*232449 bytes"):
        run(227 * 1024 + 1, ask=1)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1025, 1, 1), (1, 1, 1, 1, 1, 65), (0, 1, 1, 1, 1, 1)])
def test_configurations_that_no_gpu_runs(sizes: tuple[int, ...]) -> None:
    with pytest.raises(CudaError, match="cannot be launched") as caught:
        emulated("grid").call("places", [], [np.empty(10000, np.uint32)], sizes)
    assert caught.value.name == "cudaErrorInvalidConfiguration"


def test_null_pointer_and_then_a_good_call() -> None:
    for _ in range(2):
        with pytest.raises(CudaError, match="by a null pointer"):
            emulated("add").call("add", [numbers(4), None], [np.empty(4, np.float32)], [4])
        test_add(4)


def test_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_EMULATOR_TIMEOUT", "0.2")
    error = fault("endless")
    assert error.name == "cudaErrorLaunchTimeout"
    assert "thread (0, 0, 0) of block (0, 0, 0) still runs" in str(error)


# ---- Building ----------------------------------------------------------------------------------


def test_missing_host_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BuildError, match=r"g\+\+ is needed to run CUDA source without a GPU"):
        build_emulated(text("add"))


def test_source_that_does_not_compile() -> None:
    with pytest.raises(BuildError, match="nonsense"):
        build_emulated("nonsense")


def test_builds_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "new"))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(build_emulated, [text("add")] * 2)
    assert first == second
    suffixes = sorted(path.suffix for path in (tmp_path / "new").iterdir())
    assert suffixes == [".gch", ".h", ".o", ".so"]
    x, out = numbers(8), np.empty(8, np.float32)
    Library(first).call("add", [x, x], [out], [8])
    np.testing.assert_array_equal(out, x + x)


@pytest.mark.parametrize("path", [*FILES, EMULATOR / "runtime.cpp"], ids=lambda path: path.stem)
def test_headers_compile_without_warnings(path: Path) -> None:
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-fsyntax-only"]
    subprocess.run(["g++", *flags, f"-I{EMULATOR}", "-x", "c++", str(path)], check=True)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not on the PATH")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nvcc_takes_the_same_files(path: Path, tmp_path: Path) -> None:
    command = ["nvcc", "-std=c++20", "-Werror", "all-warnings", "-Xcompiler", "-Wall"]
    for architecture in ("80", "90"):
        command += [f"-gencode=arch=compute_{architecture},code=sm_{architecture}"]
    subprocess.run([*command, "-c", str(path), "-o", str(tmp_path / "kernel.o")], check=True)
