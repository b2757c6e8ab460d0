"""Scratch memory: one allocation, in which values whose lives do not overlap share a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from attn_cuda.cxx.unit import Unit
from attn_dsl.expr import Call, Expr
from attn_dsl.ir import Dim

ALIGNMENT = 256  # bytes: of memory that CUDA allocates
Life = tuple[int, int]
"""The first launch that writes a value, and the last one that reads it."""


@dataclass(frozen=True)
class Place:
    """A part of the scratch memory, as long as the longest of its values: `sizes`, in bytes."""

    values: tuple[str, ...]
    sizes: tuple[Dim, ...]

    @property
    def bytes(self) -> Expr:
        """How long it is."""
        size = self.sizes[0].to_expr()
        for other in self.sizes[1:]:
            size = Call("max", (size, other.to_expr()))
        return size


def plan_arena(unit: Unit, lives: Mapping[str, Life]) -> tuple[Place, ...]:
    """A place for each value, which no other has at the same time.

    Values come as they are written. One takes a place that is free, best one that is long enough
    at all sizes; else that becomes as long as both, which is never longer than two places are.
    """
    places: list[Place] = []
    free_after: list[int] = []
    for value, (first, last) in sorted(lives.items(), key=lambda item: item[1][0]):
        size = bytes_of(unit, value)
        free = [n for n, end in enumerate(free_after) if end < first]
        free.sort(key=lambda n: not any(_covers(other, size) for other in places[n].sizes))
        if free:
            old = places[free[0]]
            places[free[0]] = Place((*old.values, value), _longest((*old.sizes, size)))
            free_after[free[0]] = last
        else:
            places.append(Place((value,), (size,)))
            free_after.append(last)
    return tuple(places)


def _longest(sizes: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The sizes without those that another one always covers."""
    kept: list[Dim] = []
    for size in sizes:
        if not any(_covers(other, size) for other in kept):
            kept = [*(other for other in kept if not _covers(size, other)), size]
    return tuple(kept)


def _covers(size: Dim, other: Dim) -> bool:
    """Whether `size` is never less than `other`: it has at least as much of each product."""
    most = dict(size.terms)
    return all(most.get(product, 0) >= count for product, count in other.terms) and all(
        count >= 0 for count in most.values()
    )


def bytes_of(unit: Unit, value: str) -> Dim:
    """How much memory a value takes."""
    type_ = unit.type_of(value)
    return prod(type_.dims, start=Dim.of(type_.dtype.size))


def lives_of(uses: Sequence[set[str]]) -> dict[str, Life]:
    """From when to when each value is needed, by what each launch reads or writes."""
    lives: dict[str, Life] = {}
    for time, values in enumerate(uses):
        for value in sorted(values):
            lives[value] = (lives.get(value, (time, time))[0], time)
    return lives
