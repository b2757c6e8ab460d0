"""What runs kernels: a GPU, or the emulator. The runner knows no more of either than this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np

from attn_cuda.runtime.tensors import Tensor, gapless, movable, span
from attn_dsl.arrays import like, to_numpy


class Memory(Protocol):
    """The memory of a device. Addresses are numbers, sizes are in bytes."""

    def allocate(self, size: int, cleanup: ExitStack) -> int:
        """The address of new memory, which `cleanup` frees; no address is 0."""
        ...

    def upload(self, address: int, host: int, size: int) -> None:
        """Copy from the address `host` in this machine's memory."""
        ...

    def download(self, host: int, address: int, size: int) -> None:
        """Copy to the address `host` in this machine's memory, when all kernels are done."""
        ...


class Session(Protocol):
    """One call: where its arrays lie, and how its kernels are started there."""

    def input(self, name: str, array: Any, dtype: np.dtype[Any]) -> Tensor:
        """The array of an input, on the device."""
        ...

    def output(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """A new tensor without gaps, on the device."""
        ...

    def start(
        self,
        inputs: Sequence[Tensor | None],
        strides: Sequence[tuple[int, ...] | None],
        outputs: Sequence[Tensor],
        sizes: Mapping[str, int],
    ) -> None:
        """Start the kernels. `sizes` are those of all symbols that are not compiled in."""
        ...

    def results(self) -> list[Any]:
        """The outputs, as arrays of the library that the inputs are of."""
        ...


class Machine(Protocol):
    """What can be called with arrays."""

    def session(self, arrays: Mapping[str, Any], cleanup: ExitStack) -> Session:
        """A call with these inputs. `cleanup` runs when it is over."""
        ...


class HostArrays:
    """Arrays in this machine's memory, copied to that of a device and back."""

    def __init__(self, memory: Memory, arrays: Mapping[str, Any], cleanup: ExitStack) -> None:
        self._memory, self._arrays, self._cleanup = memory, arrays, cleanup
        self._outputs: list[tuple[Tensor, np.dtype[Any]]] = []

    def input(self, name: str, array: Any, dtype: np.dtype[Any]) -> Tensor:
        """A copy on the device, with the strides that it has here."""
        here = movable(to_numpy(name, array).astype(dtype, copy=False))
        size = span(here)
        # An empty array is still an array: it gets an address, unlike None.
        address = self._memory.allocate(max(size, 1), self._cleanup)
        self._memory.upload(address, here.ctypes.data, size)
        strides = tuple(step // here.itemsize for step in here.strides)
        return Tensor(address, dtype.name, dtype.itemsize, here.shape, strides)

    def output(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Memory for it."""
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        address = self._memory.allocate(max(size, 1), self._cleanup)
        tensor = Tensor(address, dtype.name, dtype.itemsize, shape, gapless(shape))
        self._outputs.append((tensor, dtype))
        return tensor

    def results(self) -> list[Any]:
        """Copies of the outputs."""
        results = []
        for tensor, dtype in self._outputs:
            result = np.empty(tensor.shape, dtype)
            self._memory.download(result.ctypes.data, tensor.pointer, result.nbytes)
            results.append(like(result, self._arrays.values()))
        return results
