"""Build emitted CUDA source with g++, to run without a GPU; and keep what was built.

The emulator (a folder of this package) gives the words of CUDA a meaning on the host. It is
compiled once; then each emitted file is compiled against its headers and linked to it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from attn_dsl.backend import Failure

EMULATOR = Path(__file__).parents[1] / "emulator"
HEADER = "cuda_runtime.h"

# As CUDA programmers expect, one memory may be read as several types.
FLAGS = ("-std=c++20", "-fPIC", "-fno-strict-aliasing")

RUNTIME_FLAGS = ("-O2", "-fvisibility=hidden")

# Of what a kernel takes, most are the checks of each access, which are calls: -O2 makes it no
# faster, and takes half as long again to compile. A kernel with large local variables touches each
# page of its stack on the way, so that it cannot step over the one that guards the end. And no
# shared array is filled by code before its first use.
SOURCE_FLAGS = ("-O1", "-fstack-clash-protection", "-fno-extern-tls-init")

# Each access to memory is told to the emulator (hooks.hpp), which finds races, and so is each
# address or index that is wrong. A line table says of what is found where it stands in the source.
CHECKS = ("-fsanitize=thread", "-fsanitize=alignment,bounds", "-g1")

# Fail here, not when it is loaded, if a name is missing; and prefer the library's own functions
# over those of a CUDA runtime that something else may have loaded into this process.
LINK_FLAGS = ("-shared", "-Wl,-z,defs", "-Wl,-Bsymbolic")

DYNAMIC_SHARED = re.compile(r"extern\s+__shared__\s+[^;=]*?(\w+)\s*\[\s*\]\s*;")


class BuildError(Failure):
    """A source that did not compile, or a compiler that is missing."""


def build_emulated(source: str) -> Path:
    """Compile the text of a ``.cu`` file for this machine's processor; the library's path."""
    compiler = find_compiler("g++", "to run CUDA source without a GPU")
    key = [compiler_version(compiler), *FLAGS, *RUNTIME_FLAGS, platform.machine()]
    for path in sorted(EMULATOR.iterdir()):
        key += [path.name, path.read_text(encoding="utf-8")]

    def make_runtime(target: Path) -> None:
        command = [compiler, *FLAGS, *RUNTIME_FLAGS, "-c", str(EMULATOR / "runtime.cpp")]
        run_compiler([*command, "-o", str(target)])

    compile = [compiler, *FLAGS, *SOURCE_FLAGS, *CHECKS, f"-I{EMULATOR}"]

    def make_headers(target: Path) -> None:
        run_compiler([*compile, "-x", "c++-header", str(EMULATOR / HEADER), "-o", str(target)])

    def make_library(target: Path) -> None:
        file = target.with_suffix(".cu")
        file.write_text(source, encoding="utf-8")
        runtime = build_cached(key, ".o", make_runtime)
        kernels = str(target.with_suffix(".o"))
        # Reading the headers is a third of the work. g++ takes what it has made of them before
        # from beside `headers`, which it reads in its place if it cannot.
        whole = [*key, *SOURCE_FLAGS, *CHECKS]
        headers = build_cached(whole, ".h", lambda path: _write(path, f"#include <{HEADER}>\n"))
        build_cached(whole, ".h.gch", make_headers)
        command = [*compile, "-include", str(headers), "-x", "c++"]
        run_compiler([*command, "-c", str(file), "-o", kernels])
        # Apart, since with CHECKS the compiler would link libraries of its own.
        command = [compiler, kernels, str(runtime), *LINK_FLAGS, *dynamic_shared_flags(source)]
        run_compiler([*command, "-o", str(target)])

    return build_cached([*key, *SOURCE_FLAGS, *CHECKS, *LINK_FLAGS, source], ".so", make_library)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def dynamic_shared_flags(source: str) -> list[str]:
    """Tell the linker that each ``extern __shared__ T name[]`` is the emulator's one array."""
    names = sorted(set(DYNAMIC_SHARED.findall(source)))
    return [f"-Wl,--defsym={name}=attn_emulator_dynamic_shared" for name in names]


def build_cached(
    key: Sequence[str],
    suffix: str,
    make: Callable[[Path], None],
    is_whole: Callable[[Path], bool] = lambda path: True,
) -> Path:
    """The file that ``make`` writes, made once for each key, and again if it is not whole.

    It is written beside its place and then moved there as one step, so another process finds
    either all of it or nothing.
    """
    folder = cache_folder()
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()
    target = folder / f"{digest[:32]}{suffix}"
    if not target.exists() or not is_whole(target):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            draft = Path(workshop) / f"kernel{suffix}"
            make(draft)
            os.replace(draft, target)
    return target


def cache_folder() -> Path:
    """Where built files are kept: ``ATTN_CACHE_DIR``, or a folder in the user's cache."""
    chosen = os.environ.get("ATTN_CACHE_DIR")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "attn-dsl"


def find_compiler(name: str, purpose: str) -> str:
    """The path of a compiler, or a ``BuildError`` that says what it is needed for."""
    path = shutil.which(name)
    if path is None:
        raise BuildError(f"{name} is needed {purpose}, but is not on the PATH")
    return path


@cache
def compiler_version(compiler: str) -> str:
    """What a compiler says of its own version."""
    return run_compiler([compiler, "--version"])


def run_compiler(command: Sequence[str]) -> str:
    """Run a compiler; what it prints, or a ``BuildError`` with its complaints."""
    both = subprocess.STDOUT
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=both, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{result.stdout}")
    return result.stdout
