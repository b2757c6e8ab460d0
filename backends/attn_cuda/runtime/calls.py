"""The launcher in Python: what the emitted one does in C, from the same list of launches.

Evaluating it takes longer than to start a kernel. So what follows from sizes and strides is
planned apart, and can be kept; a call then puts its addresses in.
"""

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
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """The struct View without its address: in which memory, how many bytes from its start."""

    memory: str
    offset: int
    strides: bytes


@dataclass(frozen=True)
class Call:
    """A kernel, the grid, and its arguments as the bytes that C has for them."""

    kernel: str
    blocks: int
    threads: int
    shared_bytes: int
    arguments: tuple[bytes, ...]


@dataclass(frozen=True)
class Plan:
    """A call without the addresses of its tensors."""

    kernel: str
    blocks: int
    threads: int
    shared_bytes: int
    arguments: tuple[bytes | Place, ...]

    def at(self, pointers: Mapping[str, int]) -> Call:
        """The call with this memory, of arguments and of what is between kernels."""
        arguments = tuple(
            struct.pack("=Q", pointers[argument.memory] + argument.offset) + argument.strides
            if isinstance(argument, Place)
            else argument
            for argument in self.arguments
        )
        return Call(self.kernel, self.blocks, self.threads, self.shared_bytes, arguments)


def scratch_sizes(launcher: Launcher, sizes: Sizes) -> dict[str, int]:
    """The bytes of each value that needs memory between kernels."""
    types, known = launcher.unit.graph.types, {**launcher.unit.constants, **sizes}
    return {
        value: value_of(count(types[value].dims), known) * types[value].dtype.size
        for value in launcher.scratch
    }


def plan_calls(launcher: Launcher, strides: Strides, sizes: Sizes) -> Iterator[Plan]:
    """The calls of kernels, in order; `strides` has those of inputs with gaps.

    Raises ValueError where sizes do not fit together.
    """
    known = {**launcher.unit.constants, **sizes}
    for _, launch in launcher.launches:
        if not all(value_of(condition, known) for condition in launch.requires):
            raise ValueError(f"{launch.title}: a number of heads is no multiple of the other")
        blocks = value_of(launch.blocks, known)
        if blocks > 0x7FFFFFFF:
            raise ValueError(f"{launch.title}: this takes {blocks} blocks, more than a GPU starts")
        if blocks:
            arguments = tuple(_arguments(launcher, launch, strides, known))
            yield Plan(launch.kernel, blocks, launch.threads, launch.shared_bytes, arguments)


def _arguments(
    launcher: Launcher, launch: Launch, strides: Strides, known: Sizes
) -> Iterator[bytes | Place]:
    for tensor in launch.tensors:
        yield _place(launcher, tensor, strides, known)
    if launch.scale is not None:
        yield struct.pack("=f", float(evaluate(launch.scale, known, {})))
    for number in launch.numbers:
        yield struct.pack("=q", value_of(number, known))


def _place(launcher: Launcher, operand: Operand, strides: Strides, known: Sizes) -> Place:
    """Where a tensor lies, with a stride for each of the kernel's axes."""
    unit, value = launcher.unit, operand.value
    place = own_layout(unit, value) if operand.memory else layout(unit, value)
    type_ = unit.graph.types[place.base]
    offset = 0 if operand.offset is None else value_of(operand.offset, known) * type_.dtype.size
    given = None if operand.memory else _given(unit, place.base, strides)
    steps = given or [value_of(step, known) for step in contiguous(type_.dims)]
    axes = view_axes(unit.graph.types[value].dims, place.axes, operand.axes)
    packed = struct.pack("=4q", *(0 if axis is None else steps[axis] for axis in axes))
    return Place(operand.memory or launcher.memory[place.base], offset, packed)


def _given(unit: Unit, value: str, strides: Strides) -> Sequence[int] | None:
    """The strides that the caller gives of an input; the last of most is 1 in any case."""
    statement = unit.graph.table[value]
    given = strides.get(value) if isinstance(statement.op, Input) else None
    if given and not is_optional(statement):
        return (*given[:-1], 1)
    return given
