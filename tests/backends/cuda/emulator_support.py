"""What the tests of the emulator share: the hand-written CUDA files, and where something stands."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import Library

KERNELS = Path(__file__).parent / "kernels"


def text(name: str) -> str:
    """The source of one of the files."""
    return (KERNELS / f"{name}.cu").read_text(encoding="utf-8")


@cache
def emulated(name: str) -> Library:
    """One of the files, built to run without a GPU."""
    return Library(build_emulated(text(name)))


def line_of(remark: str, name: str = "faults") -> int:
    """The line of a file that ends in this remark."""
    lines = text(name).splitlines()
    (found,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"// {remark}")]
    return found
