"""What is asked of the GPUs of a machine: the real ones, or those that tests stand in for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from attn_cuda.runtime.calls import Call
from attn_cuda.runtime.cubin import Cubin
from attn_cuda.runtime.machine import Memory
from attn_cuda.runtime.tensors import Tensor


@dataclass(frozen=True)
class Device:
    """A GPU: its number, its name, its compute capability times ten, and how much shared memory
    a block can have, in bytes."""

    number: int
    name: str
    capability: int
    shared_bytes: int

    @property
    def architecture(self) -> str:
        """What to compile for: from sm_90 on, for this architecture alone."""
        return f"sm_{self.capability}" + "a" * (self.capability >= 90)


Promise = tuple[Tensor, Callable[[], Any]]


class Queue(Memory, Protocol):
    """A stream of one device: memory, copies and launches come in order on it."""

    def view(self, array: Any) -> Tensor:
        """An array of this device as it lies, when what writes to it is done."""
        ...

    def empty(self, like: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Promise:
        """New memory without gaps, and what gives the array of it, of the library of `like`."""
        ...

    def launch(self, kernel: int, call: Call) -> None:
        """Start a kernel."""
        ...


class Driver(Protocol):
    """The GPUs of this machine. Implemented on cuda-core, and by a fake in tests."""

    def current(self) -> int:
        """The number of the device that is used where arrays do not say which; Unavailable."""
        ...

    def device(self, number: int) -> Device:
        """What is known of a device."""
        ...

    def load(self, number: int, cubin: Cubin, launches: Mapping[str, int]) -> Mapping[str, int]:
        """Handles of kernels by name; `launches` says how much shared memory each one asks for."""
        ...

    def queue(self, number: int, arrays: Sequence[Any], cleanup: ExitStack) -> Queue:
        """The stream that the arrays' library is at, or else the default one."""
        ...
