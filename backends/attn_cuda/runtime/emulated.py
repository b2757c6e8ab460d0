"""The emulator as a machine: the emitted launcher is called as it stands."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from attn_cuda.runtime.library import Library
from attn_cuda.runtime.machine import HostArrays, Session
from attn_cuda.runtime.tensors import Tensor


@dataclass(frozen=True)
class Emulated:
    """A library that was built for the emulator, and the launcher in it."""

    library: Library
    entry: str

    def session(self, arrays: Mapping[str, Any], cleanup: ExitStack) -> Session:
        """A call with arrays in this machine's memory."""
        return EmulatedCall(self, arrays, cleanup)


class EmulatedCall(HostArrays):
    """A call of the launcher."""

    def __init__(self, machine: Emulated, arrays: Mapping[str, Any], cleanup: ExitStack) -> None:
        super().__init__(machine.library, arrays, cleanup)
        self._machine = machine

    def start(
        self,
        inputs: Sequence[Tensor | None],
        strides: Sequence[tuple[int, ...] | None],
        outputs: Sequence[Tensor],
        sizes: Mapping[str, int],
    ) -> None:
        """As the launcher's contract says."""
        tensors = [tensor.pointer if tensor else None for tensor in (*inputs, *outputs)]
        arguments: list[Any] = [ctypes.c_void_p(pointer) for pointer in tensors]
        arguments += [ctypes.c_longlong(size) for size in sizes.values()]
        arguments += [
            ctypes.c_void_p(None) if steps is None else (ctypes.c_longlong * len(steps))(*steps)
            for steps in strides
        ]
        self._machine.library.start(self._machine.entry, arguments)
