"""The instructions that emitted files name: what the emulator makes of them, right or wrong."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from attn_cuda.cxx.intrinsics import INTRINSICS, print_intrinsics
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import CudaError, Library
from emulator_support import text

Array = np.ndarray[Any, Any]

FAULTS = {
    1: ("cudaErrorIllegalAddress", "to which nobody has written"),
    2: ("cudaErrorIllegalAddress", "kernel product_kernel<false, 2>: "),
    3: ("cudaErrorIllegalAddress", "to which nobody has written"),
    4: ("cudaErrorMisalignedAddress", "loads a matrix's row of 16 bytes from no multiple of 16"),
    5: ("cudaErrorMisalignedAddress", "copies 16 bytes from or to no multiple of 16"),
    6: (
        "cudaErrorLaunchFailure",
        "needs all 32 lanes of a warp, of which only those in",
    ),
}
CROWDED = 7


def source() -> str:
    return "\n".join([*print_intrinsics(list(INTRINSICS)), text("tensor")])


@cache
def library() -> Library:
    return Library(build_emulated(source()))


def product(dtype: Any, fault: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((n, 16)).astype(dtype) for n in (16, 8))
    out = np.zeros((16, 8), np.float32)
    brain = int(dtype is ml_dtypes.bfloat16)
    inputs = [a.view(np.uint16), b.view(np.uint16)]
    library().call("product", inputs, [out], [brain, fault])
    return out, a.astype(np.float64) @ b.astype(np.float64).T


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_a_product_on_tensor_cores(dtype: Any) -> None:
    out, expected = product(dtype)
    np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("fault", FAULTS)
def test_mistakes_are_named(fault: int) -> None:
    with pytest.raises(CudaError) as caught:
        product(np.float16, fault)
    name, words = FAULTS[fault]
    assert caught.value.name == name
    assert words in str(caught.value)
    assert "line" in str(caught.value)


def test_rows_in_the_same_banks_are_counted() -> None:
    before = library().bank_conflicts
    product(np.float16)
    assert library().bank_conflicts == before
    product(np.float16, CROWDED)
    assert library().bank_conflicts > before


def test_transposed_matrices() -> None:
    x = np.arange(4 * 8 * 8, dtype=np.uint16).reshape(4, 8, 8)
    out = np.zeros((4, 8, 4), np.uint32)
    library().call("transpose", [x], [out])
    np.testing.assert_array_equal(out.view(np.uint16).reshape(4, 8, 8), x.swapaxes(1, 2))


def test_numbers_of_16_bits() -> None:
    """All of them, and floats between, at, and close to the middle of two of them."""
    every = np.arange(65536, dtype=np.uint16)
    halves, brains = every.view(np.float16), every.view(ml_dtypes.bfloat16)
    exact = np.concatenate([halves.astype(np.float32), brains.astype(np.float32)])
    with np.errstate(over="ignore", invalid="ignore"):
        between = (exact[1:] + exact[:-1]) / 2
        x = np.concatenate([exact, between, np.nextafter(between, 0), np.nextafter(between, 9)])
        expected = x.astype(np.float16), x.astype(ml_dtypes.bfloat16)
    out = np.zeros(len(x), np.uint16), np.zeros(len(x), np.uint16), np.zeros(65536, np.float32)
    library().call("rounded", [x], [*out], [len(x)])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out[2], halves.astype(np.float32))
        np.testing.assert_array_equal(out[0].view(np.float16), expected[0])
    np.testing.assert_array_equal(
        out[1].view(ml_dtypes.bfloat16).astype(np.float32), expected[1].astype(np.float32)
    )


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not on the PATH")
def test_nvcc_takes_the_same_text(tmp_path: Path) -> None:
    file = tmp_path / "tensor.cu"
    file.write_text(source(), encoding="utf-8")
    command = ["nvcc", "-std=c++20", "-Werror", "all-warnings", "-Xcompiler", "-Wall"]
    for architecture in ("80", "90", "100"):
        command += [f"-gencode=arch=compute_{architecture},code=sm_{architecture}"]
    subprocess.run([*command, "-c", str(file), "-o", str(tmp_path / "tensor.o")], check=True)
