"""One call on a GPU: the launch list on a stream, with arrays of the host or of the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_cuda.runtime.calls import Plan, plan_calls, scratch_places
from attn_cuda.runtime.device import Queue
from attn_cuda.runtime.machine import HostArrays
from attn_cuda.runtime.tensors import Tensor
from attn_cuda.source.calls import Launcher
from attn_dsl.arrays import is_foreign, refuse_gradient

Key = tuple[tuple[int, ...], tuple[tuple[int, ...] | None, ...]]
"""Sizes and strides: calls that have the same ones differ in addresses alone."""
KEPT = 64
Scratch = tuple[int, dict[str, int]]
"""How many bytes lie between kernels, and where in them each value begins."""


class Plans:
    """The launch list of a program at the sizes and strides of the last calls."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self._kept: dict[Key, tuple[Scratch, list[Plan]]] = {}

    def find(
        self, strides: Sequence[tuple[int, ...] | None], sizes: Mapping[str, int]
    ) -> tuple[Scratch, list[Plan]]:
        """The memory between kernels, and the calls without addresses."""
        key = tuple(sizes.values()), tuple(strides)
        if key not in self._kept:
            names = [statement.name for statement in self.launcher.unit.graph.inputs]
            given = dict(zip(names, strides, strict=True))
            made = list(plan_calls(self.launcher, given, sizes))
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = scratch_places(self.launcher, sizes), made
        return self._kept[key]


@dataclass(frozen=True)
class Start:
    """What starts the kernels of a program on a stream."""

    plans: Plans
    kernels: Mapping[str, int]
    queue: Queue
    cleanup: ExitStack

    def __call__(
        self,
        inputs: Sequence[Tensor | None],
        strides: Sequence[tuple[int, ...] | None],
        outputs: Sequence[Tensor],
        sizes: Mapping[str, int],
    ) -> None:
        """Go through the launch list."""
        launcher = self.plans.launcher
        (size, begins), plans = self.plans.find(strides, sizes)
        names = [statement.name for statement in launcher.unit.graph.inputs]
        pointers = {n: t.pointer if t else 0 for n, t in zip(names, inputs, strict=True)}
        places = [pointer for pointer, _ in launcher.outputs]
        pointers |= {name: t.pointer for name, t in zip(places, outputs, strict=True)}
        start = self.queue.allocate(size, self.cleanup) if size else 0
        pointers |= {value: start + begin for value, begin in begins.items()}
        for plan in plans:
            self.queue.launch(self.kernels[plan.kernel], plan.at(pointers))


class HostCall(HostArrays):
    """A call with arrays in this machine's memory: copied there and back."""

    def __init__(self, start: Start, arrays: Mapping[str, Any], cleanup: ExitStack) -> None:
        super().__init__(start.queue, arrays, cleanup)
        self.start = start


class DeviceCall:
    """A call with arrays on the device, which are taken as they lie."""

    def __init__(self, start: Start, arrays: Mapping[str, Any], cleanup: ExitStack) -> None:
        self.start, self._queue = start, start.queue
        self._host = HostArrays(start.queue, arrays, cleanup)
        self._first = next(array for array in arrays.values() if is_foreign(array))
        self._results: list[Callable[[], Any]] = []

    def input(self, name: str, array: Any, dtype: np.dtype[Any]) -> Tensor:
        """As it lies; a NumPy array is copied."""
        if not is_foreign(array):
            return self._host.input(name, array, dtype)
        refuse_gradient(name, array)
        return self._queue.view(array)

    def output(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """A new array of the library of the first input that is on the device."""
        tensor, result = self._queue.empty(self._first, shape, dtype)
        self._results.append(result)
        return tensor

    def results(self) -> list[Any]:
        """The arrays; kernels write to them when the stream gets there."""
        return [result() for result in self._results]
