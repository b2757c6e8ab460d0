"""Arrays of other libraries, as far as they lie in this machine's memory: PyTorch's, JAX's.

They come by DLPack without a copy, and results go back to the library that the arguments are of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from attn_dsl.tensors import numpy_dtype

NDArray = np.ndarray[Any, Any]

CPU = (1, 3)
"""DLPack's numbers for memory that the processor reads: its own, and what it shares with a GPU."""


def is_foreign(array: Any) -> bool:
    """Whether it is an array of another library than NumPy."""
    return not isinstance(array, np.ndarray | np.generic) and hasattr(array, "__dlpack__")


def as_array(value: Any) -> Any:
    """An array of any library as it is; numbers and lists as one of NumPy's."""
    return value if is_foreign(value) else np.asarray(value)


def dtype_name(array: Any) -> str:
    """NumPy's name of an array's dtype, such as `float32` and `bfloat16`."""
    return str(array.dtype).removeprefix("torch.")


def device_of(array: Any) -> tuple[int, int]:
    """DLPack's kind of device, and which one of them."""
    if not is_foreign(array):
        return 1, 0
    kind, number = array.__dlpack_device__()
    return int(kind), int(number)


def to_numpy(name: str, array: Any) -> NDArray:
    """The array of the input `name`, seen as one of NumPy's, without a copy.

    Raises TypeError if it lies in the memory of a device, or wants a gradient.
    """
    if not is_foreign(array):
        return np.asarray(array)
    refuse_gradient(name, array)
    if device_of(array)[0] not in CPU:
        where = getattr(array, "device", "a device")
        raise TypeError(
            f"input {name!r} lies on {where}, and this kernel runs on the host: pass a copy in "
            "host memory, such as x.cpu(), or compile for target cuda without emulate"
        )
    if dtype_name(array) != "bfloat16":
        return np.from_dlpack(array)
    if is_torch(array):  # NumPy's DLPack knows no bfloat16
        torch = sys.modules["torch"]
        return np.from_dlpack(array.view(torch.int16)).view(numpy_dtype("bfloat16"))
    return np.asarray(array)


def refuse_gradient(name: str, array: Any) -> None:
    """TypeError if a gradient is asked for, as it would silently be missing."""
    if getattr(array, "requires_grad", False):
        raise TypeError(
            f"input {name!r} requires a gradient, and this kernel has no backward pass: pass "
            f"{name}.detach()"
        )


def like(result: NDArray, arguments: Iterable[Any]) -> Any:
    """The result as an array of the library that the first foreign argument is of, if any."""
    first = next((array for array in arguments if is_foreign(array)), None)
    if first is None:
        return result
    if is_torch(first):
        torch = sys.modules["torch"]
        if result.dtype.name == "bfloat16":
            return torch.from_numpy(result.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(result)
    if type(first).__module__.split(".")[0] in ("jax", "jaxlib"):
        return sys.modules["jax"].numpy.asarray(result)
    return result


def is_torch(array: Any) -> bool:
    """Whether it is a tensor of PyTorch, which is then loaded."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)
