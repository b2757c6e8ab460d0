"""Statements as they come to be: names, types, origins, and what is wrong with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from attn_dsl.diagnostics import Diagnostic, Note, Span
from attn_dsl.ir import Dim, DType, Origin, Statement, TensorType, TypeMismatch
from attn_dsl.ir.ops import Input, Op
from attn_dsl.semantics import errors
from attn_dsl.semantics.names import identifier, unique
from attn_dsl.semantics.settings import Settings
from attn_dsl.semantics.values import Stack

MAX_COPIES = 3000
"""How many copies of subgraphs and modules a diagram may have in all."""

NOWHERE: Mapping[str, Span] = {}
"""No places."""


@dataclass(frozen=True)
class Lookup:
    """What a place asked the settings for: the keys that it knows, and the one that answered.

    `place` is where the drawing itself says it, as `said`, if that went before.
    """

    keys: tuple[str, ...]
    answer: str
    place: Span | None = None
    said: str = ""


@dataclass
class Builder:
    """Collects statements and diagnostics.

    `contracted` remembers for scores which dim their product contracted, for `Scale`, and
    `vocabulary` for what an embedding began which size its table has. `inputs` and `masks` are
    the inputs so far by name, `lookups` what modules and counts asked the settings for, and
    `copies` counts those of all repeated subgraphs and modules. `symbols` are the sizes so far,
    `declared` those that types of the drawing itself have, `numbers` the last one after each name,
    and `stacks` say how inputs lie that are families, of those that take their type from their use.
    """

    settings: Settings
    symbols: set[str]
    declared: frozenset[str] = frozenset()
    statements: dict[str, Statement] = field(default_factory=dict)
    types: dict[str, TensorType] = field(default_factory=dict)
    contracted: dict[str, Dim] = field(default_factory=dict)
    vocabulary: dict[str, Dim] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    masks: dict[str, tuple[str, str]] = field(default_factory=dict)
    lookups: dict[Lookup, None] = field(default_factory=dict)
    stacks: dict[str, Stack] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    copies: int = 0
    found: list[Diagnostic] = field(default_factory=list)

    def count_copy(self, place: Span) -> bool:
        """Count one more copy of a subgraph or a module; an error says where they were too many."""
        self.copies += 1
        if self.copies == MAX_COPIES:
            self.found.append(errors.too_many_copies(place, MAX_COPIES))
        return self.copies < MAX_COPIES

    def type_of(self, value: str) -> TensorType:
        """The type of a value that exists."""
        return self.types[value]

    def add(
        self, wish: str, op: Op, origin: Origin, places: Mapping[str, Span] = NOWHERE
    ) -> str | None:
        """Add a statement called `wish`, or nearly so; None, and an error, if types do not fit.

        `places` are where the drawing names values, for an error about one of them.
        """
        try:
            type_ = op.infer(self.types)
        except TypeMismatch as mismatch:
            self.found.append(self._mismatch(op, origin, mismatch, places))
            return None
        name = self._unique(wish)
        self.statements[name] = Statement(name, op, type_, (origin,))
        self.types[name] = type_
        self._inherit(name, op)
        return name

    def _unique(self, wish: str) -> str:
        return unique(identifier(wish), (self.statements, self.symbols), self.numbers)

    def _inherit(self, name: str, op: Op) -> None:
        """What is known of the first operand holds for the result, if it keeps the dims."""
        if not op.operands:
            return
        first = op.operands[0]
        if first in self.vocabulary:
            self.vocabulary[name] = self.vocabulary[first]
        scores = next((o for o in op.operands if o in self.contracted), None)
        if scores is not None and self.types[scores].dims == self.types[name].dims:
            self.contracted[name] = self.contracted[scores]

    def rename(self, name: str, wish: str) -> str:
        """Call the newest value `wish`, if that is free; nothing may use it yet."""
        new = self._unique(wish)
        if new != identifier(wish):
            return name
        self.statements[new] = replace(self.statements.pop(name), name=new)
        self.types[new] = self.types.pop(name)
        if name in self.contracted:
            self.contracted[new] = self.contracted.pop(name)
        if name in self.vocabulary:
            self.vocabulary[new] = self.vocabulary.pop(name)
        return new

    def add_input(
        self, name: str, type_: TensorType, role: str, place: Span, *, parameter: bool = False
    ) -> str | None:
        """Add the input `name`; None, and an error, if there is one already."""
        name = unicodedata.normalize("NFKC", name)
        if name in self.inputs:
            first = self.statements[self.inputs[name]].origins[0].span
            assert first is not None
            self.found.append(errors.twice(name, first, place))
            return None
        self.symbols.update(type_.symbols)
        op = Input(name, str(type_), role, parameter=parameter)
        added = self.add(name, op, Origin("Input", place))
        assert added is not None
        self.inputs[name] = added
        return added

    def mask_input(
        self, name: str, scores: TensorType, place: Span, *, required: bool
    ) -> tuple[str, str]:
        """A mask that is boolean or added, as the call will tell: two inputs of one name."""
        name = unicodedata.normalize("NFKC", name)
        if name not in self.masks:
            added = []
            for suffix, dtype in (("keep", DType.BOOL), ("bias", scores.dtype)):
                type_ = str(replace(scores, dtype=dtype))
                op = Input(name, type_, "mask", optional=True, required=required)
                added.append(self.add(f"{name}_{suffix}", op, Origin("Input", place)))
            keep, bias = added
            assert keep is not None
            assert bias is not None
            self.masks[name] = keep, bias
        return self.masks[name]

    def _mismatch(
        self, op: Op, origin: Origin, mismatch: TypeMismatch, places: Mapping[str, Span]
    ) -> Diagnostic:
        """The error at the operation, with where each operand was declared or computed."""
        notes = []
        for operand in op.operands:
            statement = self.statements[operand]
            span = statement.origins[0].span
            if span is not None:
                notes.append(Note(span, f"{operand} is {statement.type}"))
        blamed = dict(op.fields_of("operand")).get(mismatch.operand, mismatch.operand)
        place = places.get(blamed, origin.span)
        assert place is not None
        return errors.mismatch(place, str(mismatch), tuple(notes), mismatch.help, mismatch.what)
