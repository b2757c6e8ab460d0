"""A stream of a GPU, through cuda-core: memory, arrays by DLPack, and launches.

Kernels take tensors as structs by value, which cuda-core's own `launch` does not know; so that one
call goes to the driver.
"""

from __future__ import annotations

import ctypes
import math
import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from attn_cuda.runtime.calls import Call
from attn_cuda.runtime.device import Promise
from attn_cuda.runtime.library import CudaError
from attn_cuda.runtime.tensors import Tensor, gapless
from attn_dsl.arrays import is_torch


def done(result: tuple[Any, ...]) -> Any:
    """What a call of the driver gives; CudaError with CUDA's words if it failed."""
    from cuda.bindings import driver  # noqa: PLC0415 (an extra)

    code, *values = result
    if code != driver.CUresult.CUDA_SUCCESS:
        _, name = driver.cuGetErrorName(code)
        _, text = driver.cuGetErrorString(code)
        raise CudaError(int(code), name.decode(), f"{name.decode()}: {text.decode()}")
    return values[0] if values else None


def library_of(array: Any) -> str:
    """The name of the library that an array is of, such as `cupy`."""
    return type(array).__module__.split(".")[0]


class CudaQueue:
    """A stream of a device."""

    def __init__(self, device: Any, stream: int) -> None:
        from cuda.core import Stream  # noqa: PLC0415 (an extra)

        self._device, self._handle = device, stream
        self._stream = Stream.from_handle(stream) if stream else device.default_stream

    def allocate(self, size: int, cleanup: ExitStack) -> int:
        """From the device's pool, to which it goes back in the stream's order."""
        buffer = self._device.allocate(size, stream=self._stream)
        cleanup.callback(buffer.close, self._stream)
        return int(buffer.handle)

    def upload(self, address: int, host: int, size: int) -> None:
        """Copy to the device; the host's memory may change when this returns."""
        from cuda.bindings import driver  # noqa: PLC0415 (an extra)

        if size:
            done(driver.cuMemcpyHtoDAsync(address, host, size, self._handle))

    def download(self, host: int, address: int, size: int) -> None:
        """Copy from the device, when the stream has got there."""
        from cuda.bindings import driver  # noqa: PLC0415 (an extra)

        if size:
            done(driver.cuMemcpyDtoHAsync(host, address, size, self._handle))
        self._stream.sync()

    def view(self, array: Any) -> Tensor:
        """By DLPack: whoever owns the array makes this stream wait until it is written."""
        from cuda.core.utils import StridedMemoryView  # noqa: PLC0415 (an extra)

        # DLPack calls the default stream 1.
        view = StridedMemoryView.from_any_interface(array, stream_ptr=self._handle or 1)
        shape = tuple(int(size) for size in view.shape)
        strides = gapless(shape) if view.strides is None else tuple(view.strides)
        return Tensor(int(view.ptr), view.dtype.name, view.dtype.itemsize, shape, strides)

    def empty(self, like: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Promise:
        """By PyTorch or CuPy; for other libraries memory of our own, handed over by DLPack."""
        strides = gapless(shape)
        if is_torch(like):
            torch = sys.modules["torch"]
            array = torch.empty(shape, dtype=getattr(torch, dtype.name), device=like.device)
            address = array.data_ptr()
        elif library_of(like) == "cupy":
            array = sys.modules["cupy"].empty(shape, dtype)
            address = array.data.ptr
        else:
            size = max(math.prod(shape) * dtype.itemsize, 1)
            buffer = self._device.allocate(size, stream=self._stream)
            tensor = Tensor(int(buffer.handle), dtype.name, dtype.itemsize, shape, strides)
            return tensor, partial(self._hand_over, like, buffer, shape, dtype)
        return Tensor(address, dtype.name, dtype.itemsize, shape, strides), lambda: array

    def _hand_over(
        self, like: Any, buffer: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Any:
        """Memory that kernels have written, as an array that speaks DLPack."""
        from cuda.core.utils import StridedMemoryView  # noqa: PLC0415 (an extra)

        self._stream.sync()  # not every library waits for a stream that is not its own
        view = StridedMemoryView.from_buffer(buffer, shape, gapless(shape), dtype=dtype)
        if library_of(like) in ("jax", "jaxlib"):
            return sys.modules["jax"].dlpack.from_dlpack(view)
        return view

    def launch(self, kernel: int, call: Call) -> None:
        """The kernel, with its arguments as they lie in memory."""
        from cuda.bindings import driver  # noqa: PLC0415 (an extra)

        values = [ctypes.create_string_buffer(argument) for argument in call.arguments]
        addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        grid, block = (call.blocks, 1, 1), (call.threads, 1, 1)
        place = ctypes.addressof(addresses)
        function, stream = driver.CUfunction(kernel), driver.CUstream(self._handle)
        done(driver.cuLaunchKernel(function, *grid, *block, call.shared_bytes, stream, place, 0))
