"""NVIDIA's driver, through cuda-core: which GPUs there are, and kernels loaded onto them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from attn_cuda.runtime.cubin import EXTRA, Cubin
from attn_cuda.runtime.device import Device, Queue
from attn_cuda.runtime.stream import CudaQueue, done, library_of
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
        return CudaQueue(device, _stream(number, arrays))


def _stream(number: int, arrays: Sequence[Any]) -> int:
    first = next((array for array in arrays if is_foreign(array)), None)
    if first is not None and is_torch(first):
        return int(sys.modules["torch"].cuda.current_stream(number).cuda_stream)
    if library_of(first) == "cupy":
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)
    return 0
