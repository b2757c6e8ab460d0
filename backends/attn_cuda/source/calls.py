"""Which kernels a graph needs, in which order, and where every value lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from attn_cuda.attention.plan import Attention, plan
from attn_cuda.attention.simt import simt_launch
from attn_cuda.attention.tensor_cores import ranges_launch, tensor_core_launch
from attn_cuda.cxx.layouts import VIEWS, Layout, behind, contiguous, layouts_of
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.combine import combine_launch
from attn_cuda.kernels.copies import (
    concatenate_launches,
    copy_launch,
    gather_pages_launch,
    merge_heads_launch,
    repeat_heads_launch,
)
from attn_cuda.kernels.elementwise import map_launch
from attn_cuda.kernels.kernel import Launch, Operand
from attn_cuda.kernels.product import PRODUCTS, product_launch
from attn_cuda.kernels.rows import layer_norm_launch, reduction_launch, softmax_launch
from attn_cuda.source.arena import Place, lives_of, plan_arena
from attn_cuda.source.blas import blas_launch
from attn_cuda.source.groups import Group, groups_of
from attn_cuda.source.joined import joined
from attn_cuda.source.share import share_kernels
from attn_cuda.source.straight import straighten_rows
from attn_dsl.expr import Binary
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import (
    Concatenate,
    GatherPages,
    Input,
    LayerNorm,
    LogSumExp,
    MergeHeads,
    Reduction,
    RepeatHeads,
    Softmax,
    TiledScores,
)


@dataclass(frozen=True)
class Launcher:
    """What the launcher does: the calls in order, and where each value lies.

    `layouts` say it of every value that is stored, in terms of those that have memory of their
    own; `memory` has the C pointer of each of these. `arena` are the places of those between.
    """

    unit: Unit
    entry: str
    launches: tuple[tuple[str, Launch], ...]
    layouts: Mapping[str, Layout]
    memory: Mapping[str, str]
    outputs: tuple[tuple[str, str], ...]
    arena: tuple[Place, ...]

    @cached_property
    def by_rows(self) -> frozenset[str]:
        """The inputs whose rows have to begin at multiples of 16 bytes."""
        tensors = (tensor for _, launch in self.launches for tensor in launch.tensors)
        bases = {self.layouts[tensor.value].base for tensor in tensors if tensor.rows}
        return frozenset(s.name for s in self.unit.graph.inputs if s.name in bases)


def make_launcher(unit: Unit, entry: str, *, blas: bool = False) -> Launcher:
    """Decide where every value lies, and which kernels make it.

    With `blas`, matrix products are cuBLASLt's, where it knows types and layouts.
    """
    groups, layouts = _plan(unit, blas=blas)
    unit = straighten_rows(unit, layouts)
    groups, layouts = _plan(unit, blas=blas)
    outputs = tuple(_outputs(unit, layouts))
    memory = {layouts[value].base: pointer for pointer, value in outputs if pointer == value}
    memory |= {statement.name: statement.name for statement in unit.graph.inputs}
    launches = [
        (_label(group), replace(launch, values=tuple(statement.name for statement in group)))
        for group in groups
        for launch in launches_of(unit, group, layouts, blas=blas)
    ]
    unit = replace(
        unit, between={n: t for _, launch in launches for n, t in launch.between.items()}
    )
    layouts |= {name: Layout(name, contiguous(t.dims)) for name, t in unit.between.items()}
    for pointer, value in outputs:
        if pointer != value:
            target = Operand(value, written=True, memory=pointer)
            launches.append((pointer, replace(copy_launch(unit, value, target), values=(value,))))
    arena = _arena(unit, launches, layouts, memory)
    memory |= {value: value for place in arena for value in place.values}
    shared = share_kernels(unit, (launch for _, launch in launches))
    labelled = tuple(zip((label for label, _ in launches), shared, strict=True))
    return Launcher(unit, entry, labelled, layouts, memory, outputs, arena)


def _plan(unit: Unit, *, blas: bool) -> tuple[list[Group], dict[str, Layout]]:
    groups = groups_of(unit.graph, blas=blas)
    return groups, layouts_of(unit, (value for group in groups for value in _computed(group)))


def _label(group: Group) -> str:
    """The value that a group is for: an attention, or what a chain gives."""
    return group[0 if isinstance(group[0].op, TiledScores) else -1].name


def _computed(group: Group) -> Iterator[str]:
    """The values that the kernel of a group writes: a chain's last one alone."""
    if isinstance(group[0].op, TiledScores):
        yield from (statement.name for statement in group)
    elif not isinstance(group[0].op, Input) and not _is_view(group):
        yield group[-1].name


def _is_view(group: Group) -> bool:
    return len(group) == 1 and isinstance(group[0].op, VIEWS)


def _outputs(unit: Unit, layouts: Mapping[str, Layout]) -> Iterator[tuple[str, str]]:
    """The name of each output's pointer, and its value: what a kernel computes is in place.

    So is a view without gaps of all that a kernel computes. The pointer then has the value's name.
    """
    written: set[str] = set()
    types = unit.graph.types
    wishes = [f"{label}_out" for label, _ in unit.graph.outputs]
    names = identifiers(wishes, (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values()))
    for wish, (_, value) in zip(wishes, unit.graph.outputs, strict=True):
        layout = layouts[value]
        computed = not isinstance(unit.graph.table[layout.base].op, Input)
        whole = prod(types[value].dims, start=ONE) == prod(types[layout.base].dims, start=ONE)
        plain = layout.strides == contiguous(types[value].dims) and layout.offset is None
        in_place = computed and whole and plain and layout.base not in written
        yield (value if in_place else names[wish]), value
        written.add(layout.base)


def view_of(launcher: Launcher, operand: Operand) -> Layout:
    """Where a kernel finds a tensor: the C pointer as `base`, the strides in its axis order."""
    value = operand.value
    layout = launcher.layouts[value]
    pointer = operand.memory or launcher.memory[layout.base]
    if operand.memory:
        layout = Layout(value, contiguous(launcher.unit.graph.types[value].dims))
    elif operand.strides:
        layout = replace(layout, strides=operand.strides)
    offset = layout.offset
    if operand.offset is not None:
        offset = operand.offset if offset is None else Binary("+", offset, operand.offset)
    return Layout(pointer, tuple(layout.axes[axis] for axis in operand.axes), offset)


def _arena(
    unit: Unit,
    launches: list[tuple[str, Launch]],
    layouts: Mapping[str, Layout],
    memory: Mapping[str, str],
) -> tuple[Place, ...]:
    """Places for the values that are neither an argument nor in the memory of another."""
    bases = [{layouts[t.value].base for t in launch.tensors} for _, launch in launches]
    lives = lives_of(bases)
    return plan_arena(unit, {value: life for value, life in lives.items() if value not in memory})


def launches_of(
    unit: Unit, group: Group, layouts: Mapping[str, Layout], *, blas: bool = False
) -> Iterator[Launch]:
    """The kernels for statements that share one: one, but for each part of a concatenation."""
    statement, *rest = group
    name = statement.name
    match statement.op:
        case Input():
            return
        case MergeHeads() as op if layouts[name].base == name:
            strides = behind(unit.graph, statement, contiguous(statement.type.dims))
            yield merge_heads_launch(unit, statement, op, strides)
        case _ if _is_view(group):
            return
        case TiledScores() as op:
            yield from _attention_launches(plan(unit, statement, op, rest[0] if rest else None))
        case _ if isinstance(statement.op, PRODUCTS):
            as_one = joined(unit, group, layouts)
            called = blas_launch(unit, group, as_one, layouts) if blas else None
            yield called or product_launch(unit, group, as_one)
        case Concatenate() as op:
            yield from concatenate_launches(unit, statement, op)
        case _:
            yield _launch_of(unit, group)


def _attention_launches(attention: Attention) -> Iterator[Launch]:
    """The kernel; before it, what the mask reads of the keys; behind it, parts that are joined."""
    if not attention.tiling.row_tiles:
        yield simt_launch(attention)
        return
    if ranges := attention.ranges:
        yield ranges_launch(attention, ranges)
    yield tensor_core_launch(attention)
    if split := attention.split:
        parts = split.operands(written=False)
        yield combine_launch(attention.unit, parts, attention.results, attention.shape, split.count)


def _launch_of(unit: Unit, group: Group) -> Launch:
    statement = group[0]
    match statement.op:
        case RepeatHeads() as op:
            return repeat_heads_launch(unit, statement, op)
        case GatherPages() as op:
            return gather_pages_launch(unit, statement, op)
        case Softmax() | LogSumExp() as op:
            return softmax_launch(unit, statement, op)
        case Reduction() as op:
            return reduction_launch(unit, statement, op)
        case LayerNorm() as op:
            return layer_norm_launch(unit, statement, op)
    return map_launch(unit, group)
