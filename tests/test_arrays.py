"""Arrays of other libraries, which come by DLPack: what a kernel takes, and what it gives back."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import attn_dsl
from attn_dsl.arrays import as_array, dtype_name, like, to_numpy

DIAGRAM = """flowchart TD
    Q["Q : f32[N, D]"] & K["K : f32[M, D]"] --> S[MatMul] --> P[Softmax] --> O[MatMul]
    V["V : f32[M, D]"] --> O
"""


class Foreign:
    """An array of a library that is not NumPy."""

    def __init__(self, array: Any, device: int = 1, requires_grad: bool = False) -> None:
        self.array, self.kind, self.requires_grad = array, device, requires_grad
        self.shape, self.dtype, self.device = array.shape, array.dtype, "cuda:0"

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.kind, 0


def kernel(target: str) -> attn_dsl.Kernel:
    return attn_dsl.compile(DIAGRAM, target=target, settings={"D": 4}, emulate=target == "cuda")


def arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    shapes = {"Q": (3, 4), "K": (5, 4), "V": (5, 4)}
    return {n: random.standard_normal(s).astype(np.float32) for n, s in shapes.items()}


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_arrays_of_any_library_are_taken(target: str) -> None:
    given = arrays()
    wanted = kernel("numpy")(**given)
    found = kernel(target)(**{name: Foreign(array) for name, array in given.items()})
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_what_lies_on_a_device_is_refused_on_the_host(target: str) -> None:
    given = {**arrays(), "K": Foreign(arrays()["K"], device=2)}
    with pytest.raises(TypeError, match=r"input 'K' lies on cuda:0.*x\.cpu\(\).*without emulate"):
        kernel(target)(**given)


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_a_gradient_is_refused(target: str) -> None:
    given = {**arrays(), "Q": Foreign(arrays()["Q"], requires_grad=True)}
    with pytest.raises(TypeError, match=r"'Q' requires a gradient.*no backward pass.*Q\.detach"):
        kernel(target)(**given)


def test_no_copy_is_made() -> None:
    array = np.arange(6.0)
    assert np.shares_memory(to_numpy("x", Foreign(array)), array)
    assert to_numpy("x", array) is array


def test_numbers_and_lists_become_arrays_of_numpy() -> None:
    assert as_array([1.0, 2.0]).shape == (2,)
    foreign = Foreign(np.zeros(2))
    assert as_array(foreign) is foreign
    assert as_array(np.float32(2)).shape == ()


def test_dtypes_are_called_as_in_numpy() -> None:
    foreign = Foreign(np.zeros(2))
    foreign.dtype = "torch.bfloat16"
    assert dtype_name(foreign) == "bfloat16"
    assert dtype_name(np.zeros(2, np.int32)) == "int32"


def test_results_are_of_the_first_library_that_is_not_numpy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Tensor(Foreign):
        pass

    torch = ModuleType("torch")
    torch.Tensor = Tensor  # type: ignore[attr-defined]
    torch.from_numpy = Tensor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    array = np.zeros(2)
    assert like(array, [array, Foreign(array)]) is array
    found = like(array, [array, Tensor(array), Foreign(array)])
    assert isinstance(found, Tensor)
    assert found.array is array
