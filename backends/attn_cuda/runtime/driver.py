"""NVIDIA's driver through cuda-core: devices, memory, arrays by DLPack, and launches.

Kernels take tensors as structs by value, which cuda-core's own `launch` does not know; so that one
call goes to the driver.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from attn_cuda.runtime.calls import Call
from attn_cuda.runtime.cubin import EXTRA, Cubin
from attn_cuda.runtime.gpu import Device, Promise, Queue
from attn_cuda.runtime.library import CudaError
from attn_cuda.runtime.tensors import Tensor, gapless
from attn_dsl.arrays import is_foreign, is_torch
from attn_dsl.backend import Unavailable

DEFAULT_SHARED = 48 * 1024  # what a kernel may use without asking, in bytes


def find_driver() -> CudaCore:
    """The driver of this machine; Unavailable says what is missing."""
    try:
        import cuda.core  # noqa: PLC0415, F401 (an extra)
        from cuda.bindings import driver  # noqa: PLC0415
    except ImportError as missing:
        raise Unavailable(f"cuda-core is missing ({missing}); {EXTRA}") from None
    try:
        (code,) = driver.cuInit(0)
    except RuntimeError:
        raise Unavailable("libcuda.so.1, NVIDIA's driver library, cannot be loaded") from None
    if code != driver.CUresult.CUDA_SUCCESS:
        raise Unavailable(f"NVIDIA's driver does not start: cuInit returns {code.name}")
    code, count = driver.cuDeviceGetCount()
    if code != driver.CUresult.CUDA_SUCCESS or count == 0:
        raise Unavailable("NVIDIA's driver finds no GPU")
    return CudaCore()


def done(result: tuple[Any, ...]) -> Any:
    """What a call of the driver gives; CudaError with CUDA's words if it failed."""
    from cuda.bindings import driver  # noqa: PLC0415 (an extra)

    code, *values = result
    if code != driver.CUresult.CUDA_SUCCESS:
        _, name = driver.cuGetErrorName(code)
        _, text = driver.cuGetErrorString(code)
        raise CudaError(int(code), name.decode(), f"{name.decode()}: {text.decode()}")
    return values[0] if values else None


class CudaCore:
    """The GPUs that the driver knows."""

    def __init__(self) -> None:
        self._keep: list[Any] = []

    def current(self) -> int:
        """The device that PyTorch is at, if it is loaded and uses a GPU; else the first one."""
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            return int(torch.cuda.current_device())
        return 0

    def device(self, number: int) -> Device:
        """Name, capability, shared memory."""
        from cuda.core import Device as CoreDevice  # noqa: PLC0415 (an extra)

        found = CoreDevice(number)
        major, minor = found.compute_capability
        shared = found.properties.max_shared_memory_per_block_optin
        return Device(number, found.name, 10 * major + minor, shared)

    def load(self, number: int, cubin: Cubin, launches: Mapping[str, int]) -> Mapping[str, int]:
        """The kernels, allowed as much shared memory as they ask for."""
        from cuda.bindings import driver  # noqa: PLC0415 (an extra)
        from cuda.core import Device as CoreDevice  # noqa: PLC0415
        from cuda.core import ObjectCode  # noqa: PLC0415

        CoreDevice(number).set_current()
        code = ObjectCode.from_cubin(cubin.code, symbol_mapping=dict(cubin.symbols))
        limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        place = done(driver.cuDeviceGet(number))
        handles: dict[str, int] = {}
        for name, shared in launches.items():
            kernel = code.get_kernel(name).handle
            if shared > DEFAULT_SHARED:
                done(driver.cuKernelSetAttribute(limit, shared, kernel, place))
            handles[name] = int(kernel)
        self._keep.append(code)  # kernels live as long as it
        return handles

    def queue(self, number: int, arrays: Sequence[Any], cleanup: ExitStack) -> Queue:
        """The current stream of the first array's library, PyTorch or CuPy; else the default."""
        from cuda.bindings import driver  # noqa: PLC0415 (an extra)
        from cuda.core import Device as CoreDevice  # noqa: PLC0415

        device = CoreDevice(number)
        before = done(driver.cuCtxGetCurrent())
        cleanup.callback(driver.cuCtxSetCurrent, before)  # other libraries go on where they were
        device.set_current()
        return CudaQueue(device, number, _stream(number, arrays))


def _stream(number: int, arrays: Sequence[Any]) -> int:
    first = next((array for array in arrays if is_foreign(array)), None)
    if first is not None and is_torch(first):
        return int(sys.modules["torch"].cuda.current_stream(number).cuda_stream)
    if _library(first) == "cupy":
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)
    return 0


def _library(array: Any) -> str:
    return type(array).__module__.split(".")[0]


class CudaQueue:
    """A stream of a device."""

    def __init__(self, device: Any, number: int, stream: int) -> None:
        from cuda.core import Stream  # noqa: PLC0415 (an extra)

        self._device, self._number, self._handle = device, number, stream
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
        elif _library(like) == "cupy":
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
        if _library(like) in ("jax", "jaxlib"):
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
