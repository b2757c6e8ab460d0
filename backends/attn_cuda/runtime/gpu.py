"""A GPU as a machine: which one, what it can run, and the launch list on its stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from attn_cuda.cxx.unit import make_unit
from attn_cuda.runtime.calls import Call, Plan, plan_calls, scratch_sizes
from attn_cuda.runtime.cubin import Cubin, build_cubin
from attn_cuda.runtime.machine import HostArrays, Memory, Session
from attn_cuda.runtime.tensors import Tensor
from attn_cuda.source.architecture import least_architecture
from attn_cuda.source.calls import Launcher, make_launcher
from attn_dsl.arrays import CPU, device_of, is_foreign, refuse_gradient
from attn_dsl.backend import Program, Unavailable


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


class Gpu:
    """A program on the GPUs of this machine. It is compiled for each when it is first used there.

    Raises Unavailable, with the reason, if a device cannot run it.
    """

    def __init__(self, program: Program, driver: Driver) -> None:
        unit = make_unit(program.graph, program.sizes)
        self._source, self._driver = program.source, driver
        self.launcher = make_launcher(unit, program.entry)
        self._plans = Plans(self.launcher)
        self._loaded: dict[int, Mapping[str, int]] = {}
        self.kernels(driver.current())  # what stands in the way is said now, not when called

    def kernels(self, number: int) -> Mapping[str, int]:
        """Handles of the kernels on a device."""
        if number not in self._loaded:
            device = self._driver.device(number)
            check_device(self.launcher, device)
            shared = {launch.kernel: launch.shared_bytes for _, launch in self.launcher.launches}
            cubin = build_cubin(self._source, list(shared), device.architecture)
            self._loaded[number] = self._driver.load(number, cubin, shared)
        return self._loaded[number]

    def session(self, arrays: Mapping[str, Any], cleanup: ExitStack) -> Session:
        """A call on the device that the arrays are on, or on the current one."""
        number = device_number(arrays)
        there = self._driver.current() if number is None else number
        queue = self._driver.queue(there, list(arrays.values()), cleanup)
        start = Start(self._plans, self.kernels(there), queue, cleanup)
        if number is None:
            return HostCall(start, arrays, cleanup)
        return DeviceCall(start, arrays, cleanup)


def check_device(launcher: Launcher, device: Device) -> None:
    """Unavailable if a kernel needs what the device does not have."""
    if device.capability < 75:
        raise Unavailable(
            f"{device.name} is sm_{device.capability}, and CUDA 13 compiles for sm_75 and later: "
            "use `--target numpy` on this machine"
        )
    for _, launch in launcher.launches:
        least = least_architecture(launcher, launch)
        if least > device.capability:
            raise Unavailable(
                f"{launch.title}: in 16 bits this takes sm_{least} or later, and {device.name} is "
                f"sm_{device.capability}: use `--set dtype=f32`, which runs on any GPU"
            )
        if launch.shared_bytes > device.shared_bytes:
            raise Unavailable(
                f"{launch.title}: a block needs {launch.shared_bytes} bytes of shared memory, and "
                f"{device.name} has {device.shared_bytes}: use a smaller head dim, or `--target "
                "numpy`"
            )


def device_number(arrays: Mapping[str, Any]) -> int | None:
    """The device that the arrays are on; None if all are in this machine's memory.

    NumPy arrays may stand beside those of a device. Raises ValueError for two places.
    """
    places = {name: device_of(array) for name, array in arrays.items() if is_foreign(array)}
    kinds = {name: None if kind in CPU else number for name, (kind, number) in places.items()}
    if len(set(kinds.values())) > 1:
        told = (f"{name!r} on {_place(kind)}" for name, kind in kinds.items())
        raise ValueError(
            f"inputs are on different devices: {', '.join(told)}; move all to one of them"
        )
    return next(iter(kinds.values()), None)


def _place(number: int | None) -> str:
    return "the host" if number is None else f"cuda:{number}"


Key = tuple[tuple[int, ...], tuple[tuple[int, ...] | None, ...]]
"""Sizes and strides: calls that have the same ones differ in addresses alone."""
KEPT = 64


class Plans:
    """The launch list of a program at the sizes and strides of the last calls."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self._kept: dict[Key, tuple[dict[str, int], list[Plan]]] = {}

    def find(
        self, strides: Sequence[tuple[int, ...] | None], sizes: Mapping[str, int]
    ) -> tuple[dict[str, int], list[Plan]]:
        """The bytes of what lies between kernels, and the calls without addresses."""
        key = tuple(sizes.values()), tuple(strides)
        if key not in self._kept:
            names = [statement.name for statement in self.launcher.unit.graph.inputs]
            given = dict(zip(names, strides, strict=True))
            made = list(plan_calls(self.launcher, given, sizes))
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = scratch_sizes(self.launcher, sizes), made
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
        scratch, plans = self.plans.find(strides, sizes)
        names = [statement.name for statement in launcher.unit.graph.inputs]
        pointers = {n: t.pointer if t else 0 for n, t in zip(names, inputs, strict=True)}
        places = [pointer for pointer, _ in launcher.outputs]
        pointers |= {name: t.pointer for name, t in zip(places, outputs, strict=True)}
        for value, size in scratch.items():
            pointers[value] = self.queue.allocate(max(size, 1), self.cleanup)
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
