"""Which kernels a graph needs, in which order, and where every value lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from attn_cuda.attention.plan import plan
from attn_cuda.attention.simt import simt_launch
from attn_cuda.attention.tensor_cores import tensor_core_launch
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import SAME_MEMORY, layout
from attn_cuda.kernels.elementwise import map_launch
from attn_cuda.kernels.kernel import Launch, Operand
from attn_cuda.kernels.linear import (
    concatenate_launches,
    copy_launch,
    matmul_launch,
    repeat_heads_launch,
    softmax_launch,
)
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import (
    Concatenate,
    Input,
    MatMul,
    RepeatHeads,
    Softmax,
    TiledScores,
    Transpose,
)
from attn_dsl.tile import together


@dataclass(frozen=True)
class Launcher:
    """What the launcher does: the calls in order, and where each value lies.

    `memory` says where an input or a computed value lies: in which argument, or which of the
    `scratch`, values with memory of their own.
    """

    unit: Unit
    entry: str
    launches: tuple[tuple[str, Launch], ...]
    memory: dict[str, str]
    outputs: tuple[tuple[str, str], ...]
    scratch: tuple[str, ...]

    @cached_property
    def by_rows(self) -> frozenset[str]:
        """The inputs whose rows have to begin at multiples of 16 bytes."""
        tensors = (tensor for _, launch in self.launches for tensor in launch.tensors)
        return frozenset(
            layout(self.unit, tensor.value).base
            for tensor in tensors
            if tensor.rows and not tensor.memory
        )


def make_launcher(unit: Unit, entry: str) -> Launcher:
    """Decide where every value lies, and which kernels make it."""
    outputs = tuple(_outputs(unit))
    memory = {pointer: pointer for pointer, value in outputs if pointer == value}
    scratch = []
    launches: list[tuple[str, Launch]] = []
    for statement, *rest in together(unit.graph):
        if isinstance(statement.op, Input):
            memory[statement.name] = statement.name
        elif not isinstance(statement.op, (*SAME_MEMORY, Transpose)):
            for launch in launches_of(unit, statement, *rest):
                apart = [t.value for t in launch.tensors if t.rows and lies_apart(unit, t.value)]
                for value in (value for value in apart if value not in scratch):
                    gathered = Operand(value, written=True, memory=value)
                    launches.append((value, copy_launch(unit, value, gathered)))
                    scratch.append(value)
                launches.append((statement.name, _by_rows(launch, apart)))
            for made in (s.name for s in (statement, *rest) if s.name not in memory):
                memory[made] = made
                scratch.append(made)
    for pointer, value in outputs:
        if pointer != value:
            target = Operand(value, written=True, memory=pointer)
            launches.append((pointer, copy_launch(unit, value, target)))
    return Launcher(unit, entry, tuple(launches), memory, outputs, tuple(scratch))


def lies_apart(unit: Unit, value: str) -> bool:
    """Whether the elements of a row of the value are no neighbours, as in a transpose."""
    place = layout(unit, value)
    return place.axes[-1] != len(unit.graph.types[place.base].dims) - 1


def _by_rows(launch: Launch, gathered: Sequence[str]) -> Launch:
    """The launch, reading these values where they have been copied to."""
    tensors = [replace(t, memory=t.value) if t.value in gathered else t for t in launch.tensors]
    return replace(launch, tensors=tensors)


def _outputs(unit: Unit) -> Iterator[tuple[str, str]]:
    """The name of each output's pointer, and its value: what a kernel computes is in place."""
    written: set[str] = set()
    wishes = [f"{label}_out" for label, _ in unit.graph.outputs]
    names = identifiers(wishes, (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values()))
    for wish, (_, value) in zip(wishes, unit.graph.outputs, strict=True):
        computed = not isinstance(unit.graph.table[value].op, Input)
        in_place = computed and layout(unit, value).base == value
        yield (value if in_place and value not in written else names[wish]), value
        written.add(value)


def launches_of(
    unit: Unit, statement: Statement, beside: Statement | None = None
) -> Iterator[Launch]:
    """The kernels for a statement: one, but for each part of a concatenation.

    That of an attention may compute a log-sum-exp `beside` it.
    """
    match statement.op:
        case Concatenate() as op:
            yield from concatenate_launches(unit, statement, op)
        case TiledScores() as op:
            attention = plan(unit, statement, op, beside)
            on_tensor_cores = attention.tiling.row_tiles > 0
            yield (tensor_core_launch if on_tensor_cores else simt_launch)(attention)
        case _:
            yield _launch_of(unit, statement)


def _launch_of(unit: Unit, statement: Statement) -> Launch:
    match statement.op:
        case MatMul() as op:
            return matmul_launch(unit, statement, op)
        case RepeatHeads() as op:
            return repeat_heads_launch(unit, statement, op)
        case Softmax() as op:
            return softmax_launch(unit, statement, op)
    return map_launch(unit, statement)
