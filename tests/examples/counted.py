"""Emitted CUDA on the emulator, with what it moves of each array counted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from attn_cuda.runtime.emulated import Emulated, EmulatedCall
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import Library
from attn_cuda.runtime.machine import Session
from attn_cuda.runtime.runner import make_runner
from attn_cuda.runtime.tensors import Tensor

from attn_dsl.backend import Program
from attn_dsl.ir import bind

NDArray = np.ndarray[Any, Any]


class Counted:
    """A program that says, of each call, what was read of the inputs and written to the outputs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.read: dict[str, int] = {}
        self.written = 0
        self.library = Library(build_emulated(program.source))
        self._emulated = Emulated(self.library, program.entry)
        self._runner = make_runner(program, self)

    def __call__(self, arrays: Mapping[str, NDArray]) -> list[NDArray]:
        """The outputs."""
        return list(self._runner(arrays, bind(self.program.graph, arrays)))

    def session(self, arrays: Mapping[str, Any], cleanup: ExitStack) -> Session:
        """As a machine that can be called."""
        cleanup.enter_context(self.library.counting())
        return CountedCall(self, self._emulated, arrays, cleanup)


class CountedCall(EmulatedCall):
    """A call that asks for the counts while its buffers are there."""

    def __init__(
        self, counted: Counted, machine: Emulated, arrays: Mapping[str, Any], cleanup: ExitStack
    ) -> None:
        super().__init__(machine, arrays, cleanup)
        self._counted = counted
        self._inputs: dict[str, Tensor] = {}

    def input(self, name: str, array: Any, dtype: np.dtype[Any]) -> Tensor:
        """As any call."""
        self._inputs[name] = super().input(name, array, dtype)
        return self._inputs[name]

    def results(self) -> list[Any]:
        """As any call; and what was moved is noted."""
        counted, traffic = self._counted, self._counted.library.traffic
        counted.read = {name: traffic(t.pointer)[0] for name, t in self._inputs.items()}
        counted.written = sum(traffic(tensor.pointer)[1] for tensor, _ in self._outputs)
        return super().results()
