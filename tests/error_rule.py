"""Kernels are as exact as the unfused computation in the same precision.

The rule, pooled over a case: the mean error is at most so many times that of the unfused
computation, plus four units in the last place of the largest output.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from support import NDArray

FACTORS = {"float32": 2.0, "float16": 1.1, "bfloat16": 1.1}
"""How many times the error of the unfused computation a kernel may have."""


def errors(found: NDArray, wanted: NDArray) -> NDArray:
    """How far off each finite element is; the others have to be the same."""
    assert found.shape == wanted.shape
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    return np.abs(found[finite].astype(np.float64) - wanted[finite])


def is_as_exact(
    triples: Iterable[tuple[NDArray, NDArray, NDArray]], dtype: str = "float32"
) -> bool:
    """Whether the rule holds for what a kernel found, what unfused, and what is right."""
    kernel, unfused, largest = [], [], []
    for found, plain, wanted in triples:
        kernel.append(errors(found, wanted))
        unfused.append(errors(plain, wanted))
        largest.append(np.abs(wanted[np.isfinite(wanted)]).ravel())
    means = [float(np.mean(np.concatenate(found))) for found in (kernel, unfused)]
    return means[0] <= FACTORS[dtype] * means[1] + 4 * ulp(np.concatenate(largest), dtype)


def ulp(magnitudes: NDArray, dtype: str) -> float:
    """The distance of floating-point numbers around the largest of `magnitudes`."""
    digits = {"float32": 23, "float16": 10, "bfloat16": 7}[dtype]
    largest = float(np.max(magnitudes, initial=0.0))
    return 2.0 ** (np.frexp(largest)[1] - 1 - digits) if largest else 0.0
