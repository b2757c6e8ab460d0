"""Emitted source to machine code of one GPU architecture, by NVRTC; kept on disk."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attn_cuda.runtime.host import BuildError, build_cached
from attn_dsl.backend import Unavailable

STANDARD = "c++17"
EXTRA = "pip install 'attn-dsl[cuda]' brings it"


@dataclass(frozen=True)
class Cubin:
    """Machine code, and what each kernel is called in it."""

    code: bytes
    symbols: Mapping[str, str]


def build_cubin(source: str, kernels: Sequence[str], architecture: str) -> Cubin:
    """Compile the kernels of a `.cu` text; what was compiled before is read from the disk.

    `kernels` are names as C++ writes them, such as `copy<float>`. Raises BuildError with the
    compiler's complaints, Unavailable if there is no NVRTC.
    """
    key = [source, *kernels, architecture, STANDARD, nvrtc_version()]

    def make(target: Path) -> None:
        cubin, _ = compile_cubin(source, kernels, architecture)
        target.write_bytes(pack(cubin))

    path = build_cached(key, ".cubin", make, lambda path: unpack(path.read_bytes()) is not None)
    found = unpack(path.read_bytes())
    if found is None:
        raise BuildError(f"{path} cannot be read back: the disk loses what is written")
    return found


def pack(cubin: Cubin) -> bytes:
    """A file of it: the sum of the rest, a line of names, the code."""
    body = json.dumps(dict(cubin.symbols)).encode() + b"\n" + cubin.code
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unpack(data: bytes) -> Cubin | None:
    """What `pack` has made a file of; None if a byte of it is missing, or is another one."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    names, _, code = body.partition(b"\n")
    return Cubin(code, json.loads(names))


def compile_cubin(
    source: str, kernels: Sequence[str], architecture: str, *, flags: Sequence[str] = ()
) -> tuple[Cubin, str]:
    """Compile without looking at the disk; also what NVRTC and ptxas say, with these flags."""
    try:
        from cuda.core import Program, ProgramOptions  # noqa: PLC0415 (an extra)
    except ImportError as missing:
        raise Unavailable(f"NVRTC cannot be used: {missing}; {EXTRA}") from None
    options = ProgramOptions(
        arch=architecture, std=STANDARD, name="kernel.cu", ptxas_options=list(flags) or None
    )
    log = io.StringIO()
    try:
        program = Program(source, "c++", options)
        made = program.compile("cubin", name_expressions=tuple(kernels), logs=log)
    except Exception as error:  # whatever cuda-core raises, its text has the compiler's words
        raise BuildError(f"NVRTC for {architecture}: {str(error).rstrip(chr(0))}") from None
    symbols = {
        name: symbol.decode() if isinstance(symbol, bytes) else symbol
        for name, symbol in made.symbol_mapping.items()
    }
    return Cubin(bytes(made.code), symbols), log.getvalue()


def nvrtc_version() -> str:
    """NVRTC's version, such as `13.0`; Unavailable if it is not there."""
    try:
        from cuda.bindings import nvrtc  # noqa: PLC0415 (an extra)

        _, major, minor = nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError) as missing:
        raise Unavailable(f"NVRTC cannot be used: {missing}; {EXTRA}") from None
    return f"{major}.{minor}"
