"""The launcher in Python: what the emitted one does in C, from the same list of launches."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attn_cuda.cxx.sizes import count, value_of
from attn_cuda.cxx.unit import Unit, is_optional
from attn_cuda.cxx.views import contiguous, layout, own_layout, view_axes
from attn_cuda.kernels.kernel import Launch, Operand
from attn_cuda.source.calls import Launcher
from attn_dsl.expr import evaluate
from attn_dsl.ir.ops import Input

Strides = Mapping[str, Sequence[int] | None]


@dataclass(frozen=True)
class Call:
    """A kernel, the grid, and its arguments as the bytes that C has for them."""

    kernel: str
    blocks: int
    threads: int
    shared_bytes: int
    arguments: tuple[bytes, ...]


def scratch_sizes(launcher: Launcher, sizes: Mapping[str, int]) -> dict[str, int]:
    """The bytes of each value that needs memory between kernels."""
    types, known = launcher.unit.graph.types, {**launcher.unit.constants, **sizes}
    return {
        value: value_of(count(types[value].dims), known) * types[value].dtype.size
        for value in launcher.scratch
    }


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
                tuple(_arguments(launcher, launch, pointers, strides, known)),
            )


def _arguments(
    launcher: Launcher,
    launch: Launch,
    pointers: Mapping[str, int],
    strides: Strides,
    known: Mapping[str, int],
) -> Iterator[bytes]:
    for tensor in launch.tensors:
        yield struct.pack("=Q4q", *_view(launcher, tensor, pointers, strides, known))
    if launch.scale is not None:
        yield struct.pack("=f", float(evaluate(launch.scale, known, {})))
    for number in launch.numbers:
        yield struct.pack("=q", value_of(number, known))


def _view(
    launcher: Launcher,
    operand: Operand,
    pointers: Mapping[str, int],
    strides: Strides,
    known: Mapping[str, int],
) -> tuple[int, ...]:
    """The struct View of a tensor: its address, and a stride for each of the kernel's axes."""
    unit, value = launcher.unit, operand.value
    place = own_layout(unit, value) if operand.memory else layout(unit, value)
    pointer = pointers[operand.memory or launcher.memory[place.base]]
    type_ = unit.graph.types[place.base]
    if operand.offset is not None:
        pointer += value_of(operand.offset, known) * type_.dtype.size
    given = None if operand.memory else _given(unit, place.base, strides)
    steps = given or [value_of(step, known) for step in contiguous(type_.dims)]
    axes = view_axes(unit.graph.types[value].dims, place.axes, operand.axes)
    return pointer, *(0 if axis is None else steps[axis] for axis in axes)


def _given(unit: Unit, value: str, strides: Strides) -> Sequence[int] | None:
    """The strides that the caller gives of an input; the last of most is 1 in any case."""
    statement = unit.graph.table[value]
    given = strides.get(value) if isinstance(statement.op, Input) else None
    if given and not is_optional(statement):
        return (*given[:-1], 1)
    return given
