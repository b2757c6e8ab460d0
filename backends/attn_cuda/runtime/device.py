"""Build emitted CUDA source with nvcc, to run on this machine's GPU."""

from __future__ import annotations

import ctypes
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from attn_cuda.runtime.host import build_cached, compiler_version, find_compiler, run_compiler

FLAGS = ("-std=c++20", "-O3", "-shared", "-Xcompiler", "-fPIC", "-cudart", "shared")

COMPUTE_CAPABILITY_MAJOR = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR; the next is MINOR


class NoDevice(RuntimeError):
    """What is missing to run on a GPU, in words."""


@dataclass(frozen=True)
class Device:
    """A GPU of this machine: its name and its compute capability, such as (9, 0)."""

    name: str
    capability: tuple[int, int]


def find_device() -> Device:
    """The first GPU, or a ``NoDevice`` that names each thing that is missing."""
    missing = []
    if shutil.which("nvcc") is None:
        missing.append("nvcc, the CUDA compiler, is not on the PATH")
    device = query_driver()
    if isinstance(device, str):
        missing.append(device)
    if missing or isinstance(device, str):
        raise NoDevice("no GPU can be used: " + "; ".join(missing))
    return device


def query_driver() -> Device | str:
    """Ask NVIDIA's driver for its first GPU; a sentence where there is none."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "libcuda.so.1, NVIDIA's driver library, cannot be loaded"
    code = driver.cuInit(0)
    if code != 0:
        return f"NVIDIA's driver does not start (cuInit returns {code})"
    count = ctypes.c_int(0)
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "NVIDIA's driver finds no GPU"
    handle, major, minor = ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(0)
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGet(ctypes.byref(handle), 0)
    driver.cuDeviceGetName(name, len(name), handle)
    driver.cuDeviceGetAttribute(ctypes.byref(major), COMPUTE_CAPABILITY_MAJOR, handle)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), COMPUTE_CAPABILITY_MAJOR + 1, handle)
    return Device(name.value.decode(), (major.value, minor.value))


def build_device(source: str, architecture: str = "native") -> Path:
    """Compile the text of a ``.cu`` file with nvcc for a GPU; the library's path."""
    compiler = find_compiler("nvcc", "to build for a GPU")
    key = [compiler_version(compiler), *FLAGS, architecture, source]
    if architecture == "native":
        key.append(find_device().name)  # the same cache may serve machines with other GPUs

    def make_library(target: Path) -> None:
        file = target.with_suffix(".cu")
        file.write_text(source, encoding="utf-8")
        command = [compiler, *FLAGS, f"-arch={architecture}", *runtime_flags(compiler)]
        run_compiler([*command, str(file), "-o", str(target)])

    return build_cached(key, ".so", make_library)


def runtime_flags(compiler: str) -> list[str]:
    """Let the built library find nvcc's own CUDA runtime, wherever that is installed."""
    plan = run_compiler([compiler, "-dryrun", "-shared", "-cudart", "shared", "kernel.cu"])
    folders = re.findall(r'"-L([^"]+)"', plan)
    folders = [folder for folder in folders if not folder.endswith("/stubs")]
    return [flag for folder in folders for flag in ("-Xlinker", f"-rpath={folder}")]
