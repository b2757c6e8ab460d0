"""The launcher in Python: what the emitted one does in C, from the same list of launches.

Evaluating it takes longer than to start a kernel. So what follows from sizes and strides is
planned apart, and can be kept; a call then puts its addresses in.
"""

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


def scratch_places(launcher: Launcher, sizes: Sizes) -> tuple[int, dict[str, int]]:
    """The bytes of all memory between kernels, and where in it each value begins."""
    known = {**launcher.unit.constants, **sizes}
    total, begins = 0, dict[str, int]()
    for place in launcher.arena:
        begins |= dict.fromkeys(place.values, total)
        total += (value_of(place.bytes, known) + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    return total, begins


def plan_calls(launcher: Launcher, strides: Strides, sizes: Sizes) -> Iterator[Plan]:
    """The calls of kernels, in order; `strides` has those of inputs with gaps.

    Raises ValueError where sizes do not fit together.
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
            arguments = tuple(_arguments(launcher, launch, known))
            yield Plan(launch.kernel, blocks, launch.threads, launch.shared_bytes, arguments)


def _strides(unit: Unit, strides: Strides, sizes: Sizes) -> dict[str, int]:
    """The strides of all inputs under the names that layouts have for them."""
    known: dict[str, int] = {}
    for statement in unit.graph.inputs:
        steps = strides.get(statement.name) or [
            value_of(step, sizes) for step in contiguous(statement.type.dims)
        ]
        names = (name.id for name in given_strides(unit, statement.name))
        known |= dict(zip(names, steps, strict=True))
    return known


def _arguments(launcher: Launcher, launch: Launch, known: Sizes) -> Iterator[bytes | Place]:
    for tensor in launch.tensors:
        yield _place(launcher, tensor, known)
    if launch.scale is not None:
        yield struct.pack("=f", float(evaluate(launch.scale, known, {})))
    for number in launch.numbers:
        yield struct.pack("=q", value_of(number, known))


def _place(launcher: Launcher, operand: Operand, known: Sizes) -> Place:
    """Where a tensor lies, with a stride for each of the kernel's axes."""
    layout = view_of(launcher, operand)
    size = launcher.unit.type_of(operand.value).dtype.size
    offset = 0 if layout.offset is None else value_of(layout.offset, known) * size
    packed = struct.pack("=4q", *(value_of(step, known) for step in layout.strides))
    return Place(layout.base, offset, packed)
