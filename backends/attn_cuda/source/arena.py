"""Scratch memory: one allocation, in which values whose lives do not overlap share a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from attn_cuda.cxx.unit import Unit
from attn_dsl.expr import Call, Expr
from attn_dsl.ir import Dim

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

    Values come as they are written. One takes a place that is free: of its own size, if there is
    one, else any, which then becomes as long as both, never longer than two places are.
    """
    places: list[Place] = []
    free_after: list[int] = []
    for value, (first, last) in sorted(lives.items(), key=lambda item: item[1][0]):
        size = bytes_of(unit, value)
        free = [n for n, end in enumerate(free_after) if end < first]
        free.sort(key=lambda n: size not in places[n].sizes)
        if free:
            old = places[free[0]]
            sizes = old.sizes if size in old.sizes else (*old.sizes, size)
            places[free[0]] = Place((*old.values, value), sizes)
            free_after[free[0]] = last
        else:
            places.append(Place((value,), (size,)))
            free_after.append(last)
    return tuple(places)


def bytes_of(unit: Unit, value: str) -> Dim:
    """How much memory a value takes."""
    type_ = unit.graph.types[value]
    return prod(type_.dims, start=Dim.of(type_.dtype.size))


def lives_of(uses: Sequence[set[str]]) -> dict[str, Life]:
    """From when to when each value is needed, by what each launch reads or writes."""
    lives: dict[str, Life] = {}
    for time, values in enumerate(uses):
        for value in sorted(values):
            lives[value] = (lives.get(value, (time, time))[0], time)
    return lives
