"""Tensors in device memory, and the strides by which launchers are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

NDArray = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tensor:
    """Where a tensor's first element lies, and its shape and strides, in elements.

    `dtype` is NumPy's name of it, and `itemsize` the bytes of an element.
    """

    pointer: int
    dtype: str
    itemsize: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, index: int) -> Tensor:
        """One element of the first dim, without a copy."""
        pointer = self.pointer + index * self.strides[0] * self.itemsize
        return replace(self, pointer=pointer, shape=self.shape[1:], strides=self.strides[1:])


def gapless(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor of this shape without gaps."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return tuple(reversed(strides))[: len(shape)]


def launcher_strides(
    name: str, tensor: Tensor, rank: int, *, optional: bool
) -> tuple[int, ...] | None:
    """The strides for each of the `rank` dims of the input's type; None where there are no gaps.

    An optional input may have a dim of 1 where the type has a size, or lack its first dims: it
    repeats along these, with a stride of 0. Raises ValueError if the elements of a row are not
    neighbours in memory.
    """
    plain = gapless(tensor.shape)
    if 0 in tensor.shape or (tensor.strides == plain and not optional):
        return None
    steps = [0 if size == 1 else s for size, s in zip(tensor.shape, tensor.strides, strict=True)]
    if tensor.shape and tensor.shape[-1] > 1 and steps[-1] != 1:
        raise ValueError(
            f"input {name!r} has strides {tensor.strides}: the elements of its last dim have to "
            "be neighbours in memory; pass a contiguous copy of it, such as x.contiguous()"
        )
    if steps and not optional:
        steps[-1] = 1  # one element is its own neighbour
    return (0,) * (rank - len(steps)) + tuple(steps)


def check_rows(name: str, tensor: Tensor) -> None:
    """ValueError if a row of 16-bit numbers begins at no multiple of 16 bytes."""
    rows = zip(tensor.shape[:-1], tensor.strides[:-1], strict=True)
    places = [tensor.pointer, *(2 * step for size, step in rows if size > 1)]
    if any(place % 16 for place in places):
        raise ValueError(
            f"input {name!r}, at address {tensor.pointer} with strides {tensor.strides}, has rows "
            "that begin at no multiple of 16 bytes, and tensor cores are fed by as many: pass a "
            "copy of it without gaps"
        )


def movable(array: NDArray) -> NDArray:
    """The array, or a copy of it, as it can be moved to a device: in one piece, with few gaps.

    Its strides are whole elements and not negative, and 1 in the last dim. Rows of 16-bit numbers
    begin at multiples of 16 bytes, if they do so in a tensor without gaps.
    """
    steps = [step for size, step in zip(array.shape, array.strides, strict=True) if size > 1]
    whole = all(step >= 0 and step % array.itemsize == 0 for step in steps)
    rows = array.ndim == 0 or array.shape[-1] == 1 or array.strides[-1] == array.itemsize
    apart = array.strides[:-1] if array.itemsize == 2 else ()
    by_sixteen = all(step % 16 == 0 for step in apart)  # as tensor cores are fed
    good = whole and rows and by_sixteen and span(array) <= 2 * array.nbytes
    return array if good else np.ascontiguousarray(array).reshape(array.shape)


def span(array: NDArray) -> int:
    """The bytes from the first element to behind the last; strides may not be negative."""
    if array.size == 0:
        return 0
    last = sum((size - 1) * step for size, step in zip(array.shape, array.strides, strict=True))
    return int(last) + array.itemsize
