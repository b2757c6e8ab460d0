"""The launcher in Python: what the emitted one does in C, from the same list of launches."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attn_cuda.cxx.layouts import contiguous, given_strides
from attn_cuda.cxx.sizes import value_of
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import Launch, Operand
from attn_cuda.source.arena import ALIGNMENT
from attn_cuda.source.calls import Launcher, view_of
from attn_dsl.expr import evaluate

Strides = Mapping[str, Sequence[int] | None]


@dataclass(frozen=True)
class Call:
    """A kernel, the grid, and its arguments as the bytes that C has for them."""

    kernel: str
    blocks: int
    threads: int
    shared_bytes: int
    arguments: tuple[bytes, ...]


def scratch_places(launcher: Launcher, sizes: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """The bytes of all memory between kernels, and where in it each value begins."""
    known = {**launcher.unit.constants, **sizes}
    total, begins = 0, dict[str, int]()
    for place in launcher.arena:
        begins |= dict.fromkeys(place.values, total)
        total += (value_of(place.bytes, known) + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    return total, begins


def calls(
    launcher: Launcher,
    pointers: Mapping[str, int],
    strides: Strides,
    sizes: Mapping[str, int],
) -> Iterator[Call]:
    """The calls of kernels, in order.

    `pointers` has the address of each argument and each scratch value, `strides` those of inputs
    with gaps. Raises ValueError where sizes do not fit together.
    """
    known = {**launcher.unit.constants, **sizes}
    known |= _strides(launcher.unit, strides, known)
    for _, launch in launcher.launches:
        if not all(value_of(condition, known) for condition in launch.requires):
            raise ValueError(f"{launch.title}: a number of heads is no multiple of the other")
        blocks = value_of(launch.blocks, known)
        if blocks > 0x7FFFFFFF:
            raise ValueError(f"{launch.title}: this takes {blocks} blocks, more than a GPU starts")
        if blocks:
            yield Call(
                launch.kernel,
                blocks,
                launch.threads,
                launch.shared_bytes,
                tuple(_arguments(launcher, launch, pointers, known)),
            )


def _strides(unit: Unit, strides: Strides, sizes: Mapping[str, int]) -> dict[str, int]:
    """The strides of all inputs under the names that layouts have for them."""
    known: dict[str, int] = {}
    for statement in unit.graph.inputs:
        steps = strides.get(statement.name) or [
            value_of(step, sizes) for step in contiguous(statement.type.dims)
        ]
        names = (name.id for name in given_strides(unit, statement.name))
        known |= dict(zip(names, steps, strict=True))
    return known


def _arguments(
    launcher: Launcher, launch: Launch, pointers: Mapping[str, int], known: Mapping[str, int]
) -> Iterator[bytes]:
    for tensor in launch.tensors:
        yield struct.pack("=Q4q", *_view(launcher, tensor, pointers, known))
    if launch.scale is not None:
        yield struct.pack("=f", float(evaluate(launch.scale, known, {})))
    for number in launch.numbers:
        yield struct.pack("=q", value_of(number, known))


def _view(
    launcher: Launcher, operand: Operand, pointers: Mapping[str, int], known: Mapping[str, int]
) -> tuple[int, ...]:
    """The struct View of a tensor: its address, and a stride for each of the kernel's axes."""
    layout = view_of(launcher, operand)
    pointer = pointers[layout.base]
    if layout.offset is not None:
        size = launcher.unit.graph.types[operand.value].dtype.size
        pointer += value_of(layout.offset, known) * size
    return pointer, *(value_of(step, known) for step in layout.strides)
