"""A compiled file: its device memory, and calls of its functions."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from attn_cuda.runtime.places import name_places
from attn_dsl.backend import Failure

Array = np.ndarray[Any, Any]

TO_DEVICE = 1  # cudaMemcpyHostToDevice
TO_HOST = 2  # cudaMemcpyDeviceToHost


class CudaError(Failure):
    """A CUDA call that returned an error: its number in ``code``, its name in ``name``."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.name = name


class Library:
    """A shared library of launchers, with the CUDA runtime that it is linked to.

    That runtime is NVIDIA's where nvcc built the library, and the emulator where g++ did; both are
    found through the library, by the same names.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        library = self._library = ctypes.CDLL(str(path))
        address, size = ctypes.c_void_p, ctypes.c_size_t
        library.cudaMalloc.argtypes = [ctypes.POINTER(address), size]
        library.cudaMemcpy.argtypes = [address, address, size, ctypes.c_int]
        library.cudaFree.argtypes = [address]
        library.cudaGetErrorName.restype = ctypes.c_char_p
        library.cudaGetErrorString.restype = ctypes.c_char_p
        self._emulated = hasattr(library, "attn_emulator_message")
        if self._emulated:
            library.attn_emulator_message.restype = ctypes.c_char_p
            library.attn_emulator_bank_conflicts.restype = ctypes.c_longlong

    @property
    def bank_conflicts(self) -> int:
        """How often, in the emulator, shared memory was read that lies in a bank in use."""
        return int(self._library.attn_emulator_bank_conflicts())

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Have the emulator count what kernels read of each buffer, and write to it."""
        self._library.attn_emulator_count(1)
        try:
            yield
        finally:
            self._library.attn_emulator_count(0)

    def traffic(self, address: int) -> tuple[int, int]:
        """The bytes that kernels read of the buffer at `address`, and wrote to it, if counted."""
        read, written = ctypes.c_longlong(0), ctypes.c_longlong(0)
        counts = ctypes.byref(read), ctypes.byref(written)
        self._library.attn_emulator_traffic(ctypes.c_void_p(address), *counts)
        return read.value, written.value

    def call(
        self,
        symbol: str,
        inputs: Sequence[Array | None],
        outputs: Sequence[Array],
        sizes: Sequence[int] = (),
    ) -> None:
        """Run ``symbol`` on copies of ``inputs`` in device memory and fill ``outputs``.

        The function is ``extern "C" int symbol(const T* in, ..., T* out, ..., long long size, ...,
        cudaStream_t stream)``. An input of ``None`` arrives as a null pointer.
        """
        for output in outputs:
            if not (output.flags.c_contiguous and output.flags.writeable):
                raise ValueError("an output must be a contiguous array that can be written to")
        with ExitStack() as cleanup:
            sources = [self._upload(array, cleanup) for array in inputs]
            targets = [self.allocate(max(array.nbytes, 1), cleanup) for array in outputs]
            pointers = [ctypes.c_void_p(pointer) for pointer in (*sources, *targets)]
            self.start(symbol, [*pointers, *(ctypes.c_longlong(size) for size in sizes)])
            for array, target in zip(outputs, targets, strict=True):
                self.download(array.ctypes.data, target, array.nbytes)

    def record(self, symbol: str, arguments: Sequence[Any]) -> list[list[str]]:
        """What ``symbol`` would launch: kernel, grid, block, shared bytes, each argument in hex."""
        library = self._library
        library.attn_emulator_launches.restype = ctypes.c_char_p
        library.attn_emulator_record(1)
        try:
            self.start(symbol, arguments)
            found: bytes = library.attn_emulator_launches()
        finally:
            library.attn_emulator_record(0)
        named = name_places(found.decode(), self._path)
        return [line.removeprefix("kernel ").split(" ") for line in named.splitlines()]

    def start(self, symbol: str, arguments: Sequence[Any]) -> None:
        """Call ``symbol`` with C values, the stream after them, and wait for its kernels.

        Raises CudaError if it returns an error, or a kernel fails.
        """
        stream = ctypes.c_void_p(None)
        self._check(getattr(self._library, symbol)(*arguments, stream), symbol)
        self._check(self._library.cudaStreamSynchronize(stream), symbol)

    def _upload(self, array: Array | None, cleanup: ExitStack) -> int | None:
        if array is None:
            return None
        # An empty array is still an array: it gets an address, unlike None.
        pointer = self.allocate(max(array.nbytes, 1), cleanup)
        contiguous = np.ascontiguousarray(array)
        self.upload(pointer, contiguous.ctypes.data, contiguous.nbytes)
        return pointer

    def allocate(self, size: int, cleanup: ExitStack) -> int:
        """The address of new device memory, which ``cleanup`` frees."""
        pointer = ctypes.c_void_p(None)
        self._check(self._library.cudaMalloc(ctypes.byref(pointer), size), "cudaMalloc")
        cleanup.callback(self._library.cudaFree, pointer)
        assert pointer.value is not None
        return pointer.value

    def upload(self, address: int, host: int, size: int) -> None:
        """Copy to device memory."""
        self._check(self._library.cudaMemcpy(address, host, size, TO_DEVICE), "cudaMemcpy")

    def download(self, host: int, address: int, size: int) -> None:
        """Copy from device memory."""
        self._check(self._library.cudaMemcpy(host, address, size, TO_HOST), "cudaMemcpy")

    def _check(self, code: int, symbol: str) -> None:
        if code == 0:
            return
        library = self._library
        library.cudaGetLastError()  # the runtime forgets it, so the next call starts afresh
        texts = [library.cudaGetErrorName(code), library.cudaGetErrorString(code)]
        if self._emulated:
            texts.append(library.attn_emulator_message())
        name, *explanations = [text.decode() for text in texts if text]
        message = ": ".join([symbol, name, *explanations])
        raise CudaError(code, name, name_places(message, self._path))
