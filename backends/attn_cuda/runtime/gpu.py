"""A GPU as a machine: which one it is, and what it can run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from attn_cuda.cxx.unit import make_unit
from attn_cuda.runtime.cubin import build_cubin
from attn_cuda.runtime.device import Device, Driver
from attn_cuda.runtime.machine import Session
from attn_cuda.runtime.sessions import DeviceCall, HostCall, Plans, Start
from attn_cuda.source.architecture import least_architecture
from attn_cuda.source.calls import Launcher, make_launcher
from attn_dsl.arrays import CPU, device_of, is_foreign
from attn_dsl.backend import Program, Unavailable


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
                f"sm_{device.capability}; in f32 it runs on any GPU"
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
