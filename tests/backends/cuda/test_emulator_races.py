"""Shared memory without the barriers it takes: the emulator names both threads and both lines."""

from __future__ import annotations

import re

import numpy as np
import pytest
from attn_cuda.runtime.library import CudaError
from emulator_support import emulated, line_of

LANES = np.arange(32)
X = (LANES + 1).astype(np.float32)

# What a kernel of races.cu computes with all its barriers.
RIGHT = {
    "before": X[np.maximum(LANES - 1, 0)],
    "reuse": np.roll(X, -1),
    "common": np.ones(32),
    "warp": X[LANES // 2],
    "part": X[::-1],
    "bytes": X[LANES // 4],
    "atomic": np.full(32, 32.0),
    "again": X,
}

# What is said with one less: who does what at the line of which remark, and who did what before.
RACES = [
    ("before", 1, "read from", "before: the read", 0, "wrote", "before: the write"),
    ("reuse", 1, "wrote to", "reuse: the write", 0, "read", "reuse: the read"),
    ("common", 1, "wrote to", "common: the write", 0, "wrote", "common: the write"),
    ("warp", 1, "read from", "warp: the read", 0, "wrote", "warp: the write"),
    ("part", 0, "read from", "part: the read", 31, "wrote", "part: the write"),
    ("bytes", 1, "read from", "bytes: the read", 0, "wrote", "bytes: the write"),
    ("atomic", 1, "wrote to", "atomic: the sum", 0, "read", "atomic: the read"),
]


def call(symbol: str, right: bool, n: int = 32) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    out = np.empty(n, np.float32)
    emulated("races").call(symbol, [np.resize(X, n)], [out], [n, int(right)])
    return out


@pytest.mark.parametrize("symbol", RIGHT)
def test_with_its_barriers(symbol: str) -> None:
    np.testing.assert_array_equal(call(symbol, right=True), RIGHT[symbol])


def complaint(symbol: str, n: int = 32) -> str:
    with pytest.raises(CudaError) as caught:
        call(symbol, right=False, n=n)
    assert caught.value.name == "cudaErrorIllegalAddress"
    return str(caught.value)


@pytest.mark.parametrize(
    ("symbol", "thread", "verb", "remark", "other", "other_verb", "other_remark"),
    RACES,
    ids=[race[0] for race in RACES],
)
def test_with_one_barrier_less(
    symbol: str,
    thread: int,
    verb: str,
    remark: str,
    other: int,
    other_verb: str,
    other_remark: str,
) -> None:
    line, other_line = line_of(remark, "races"), line_of(other_remark, "races")
    words = [
        f"kernel {symbol}_kernel<false>: thread ({thread}, 0, 0) of block (0, 0, 0) {verb} byte ",
        f" of static shared memory at line {line}, ",
        f"which thread ({other}, 0, 0) {other_verb} at line {other_line}: ",
        "no barrier stands between",
    ]
    assert re.search(
        r"\d+".join([re.escape(words[0]), re.escape("".join(words[1:]))]) + "$", complaint(symbol)
    )


def test_a_warp_does_not_wait_for_another() -> None:
    call("warp", right=True, n=32)
    with pytest.raises(CudaError, match=r"thread \(32, 0, 0\).*which thread \(16, 0, 0\) wrote"):
        call("warp", right=True, n=64)


def test_each_block_begins_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_EMULATOR_THREADS", "1")
    line = line_of("again: the read", "races")
    assert f"at line {line}, to which nobody has written" in complaint("again")
