"""A machine with GPUs for the tests: its memory and its kernels are the emulator's."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from attn_cuda.runtime.calls import Call
from attn_cuda.runtime.cubin import Cubin
from attn_cuda.runtime.device import Device, Promise
from attn_cuda.runtime.gpu import Gpu
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import Library
from attn_cuda.runtime.tensors import Tensor, gapless

from attn_dsl.backend import Program

Array = np.ndarray[Any, Any]
H200 = Device(0, "NVIDIA H200", 90, 227 * 1024)


@dataclass
class DeviceArray:
    """An array of a library that keeps its arrays on a device."""

    tensor: Tensor
    number: int = 0
    requires_grad: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def dtype(self) -> str:
        return f"torch.{self.tensor.dtype}"

    def __dlpack__(self, **options: object) -> object:
        raise NotImplementedError("the fake driver looks at `tensor`")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.number


@dataclass
class FakeQueue:
    """The emulator, as the stream of a device."""

    library: Library
    launched: list[Call]

    def allocate(self, size: int, cleanup: ExitStack) -> int:
        return self.library.allocate(size, cleanup)

    def upload(self, address: int, host: int, size: int) -> None:
        self.library.upload(address, host, size)

    def download(self, host: int, address: int, size: int) -> None:
        self.library.download(host, address, size)

    def view(self, array: DeviceArray) -> Tensor:
        return array.tensor

    def empty(self, like: DeviceArray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Promise:
        size = int(np.prod(shape)) * dtype.itemsize
        address = self.allocate(max(size, 1), ExitStack())  # as long as the test
        tensor = Tensor(address, dtype.name, dtype.itemsize, shape, gapless(shape))
        return tensor, lambda: DeviceArray(tensor, like.number)

    def launch(self, kernel: int, call: Call) -> None:
        self.launched.append(call)
        values = [ctypes.create_string_buffer(argument) for argument in call.arguments]
        addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        numbers = [ctypes.c_int(call.blocks), ctypes.c_int(call.threads)]
        shared = ctypes.c_size_t(call.shared_bytes)
        self.library.start(f"start_{kernel}", [addresses, *numbers, shared])


@dataclass
class FakeDriver:
    """Devices that are all the emulator."""

    source: str
    devices: Sequence[Device] = (H200,)
    loads: list[tuple[int, Cubin]] = field(default_factory=list)
    launched: list[Call] = field(default_factory=list)
    library: Library | None = None

    def current(self) -> int:
        return 0

    def device(self, number: int) -> Device:
        return self.devices[number]

    def load(self, number: int, cubin: Cubin, launches: Mapping[str, int]) -> Mapping[str, int]:
        assert set(cubin.symbols) == set(launches)
        self.loads.append((number, cubin))
        self.library = Library(build_emulated(self.source + starters(list(launches))))
        return {kernel: index for index, kernel in enumerate(launches)}

    def queue(self, number: int, arrays: Sequence[Any], cleanup: ExitStack) -> FakeQueue:
        assert self.library is not None
        return FakeQueue(self.library, self.launched)

    def array(self, array: Array, number: int = 0) -> DeviceArray:
        """The array on a device, with the strides that it has."""
        assert self.library is not None
        base = array if array.base is None else array.base
        assert isinstance(base, np.ndarray)
        address = self.library.allocate(base.nbytes, ExitStack())
        self.library.upload(address, base.ctypes.data, base.nbytes)
        address += array.ctypes.data - base.ctypes.data
        strides = tuple(step // array.itemsize for step in array.strides)
        tensor = Tensor(address, array.dtype.name, array.itemsize, array.shape, strides)
        return DeviceArray(tensor, number)

    def fetch(self, array: DeviceArray) -> Array:
        """What lies on the device."""
        assert self.library is not None
        assert array.tensor.strides == gapless(array.shape)
        found = np.empty(array.shape, array.tensor.dtype)
        self.library.download(found.ctypes.data, array.tensor.pointer, found.nbytes)
        return found


def starters(kernels: Sequence[str]) -> str:
    """C functions that start a kernel with arguments at addresses, as the driver does."""
    limit = "cudaFuncAttributeMaxDynamicSharedMemorySize"
    return "".join(
        f'extern "C" int start_{index}(void** arguments, int blocks, int threads,\n'
        "                       size_t shared, cudaStream_t stream) {\n"
        f"    cudaFuncSetAttribute({kernel}, {limit}, int(shared));\n"
        f"    return cudaLaunchKernel({kernel}, dim3(blocks), dim3(threads), arguments, shared,\n"
        "                            stream);\n}\n"
        for index, kernel in enumerate(kernels)
    )


def on_gpu(program: Program, *devices: Device) -> tuple[Gpu, FakeDriver]:
    """The program on a machine with these GPUs."""
    driver = FakeDriver(program.source, devices or (H200,))
    return Gpu(program, driver), driver
