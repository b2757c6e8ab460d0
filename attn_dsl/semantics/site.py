"""An operation as it was drawn, with the arguments that flow into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attn_dsl.diagnostics import Span
from attn_dsl.ir import TensorType
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder, Value
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.labels import Meaning
from attn_dsl.syntax import Text


@dataclass(frozen=True)
class Argument:
    """A value that flows in, and by which arrow.

    `side` is `lhs` or `rhs` where the arrow's label says so.
    """

    value: Value
    place: Span
    side: str = ""


@dataclass(frozen=True)
class Site:
    """Where an operation stands: what its value is called, what it means, its place."""

    wish: str
    meaning: Meaning
    place: Span
    label: Text
    on_edge: bool = False


def typed(builder: Builder, site: Site, argument: Argument, like: TensorType | None) -> str | None:
    """The value of an argument; an undeclared input takes the type `like`, if there is one."""
    value = argument.value
    if value.pending is None:
        return value.name
    if like is None:
        builder.found.append(errors.undeclared(value.pending.node, site.place))
        return None
    return resolve_pending(builder, value.pending, like, value.role)


def has_operands(
    builder: Builder, site: Site, arguments: Sequence[Argument], count: range, wanted: str
) -> bool:
    """Whether as many values flow in as `count` allows; an error says how many are `wanted`."""
    if len(arguments) in count:
        return True
    error = errors.operand_count(site.place, site.label.text, wanted, len(arguments))
    builder.found.append(error)
    return False


def resolve_pending(builder: Builder, drawn: Drawn, type_: TensorType, role: str) -> str | None:
    """Declare an input by its first use; later uses find it declared."""
    known = builder.inputs.get(drawn.node.id)
    if known is None:
        known = builder.add_input(drawn, type_, role)
        if known is not None:
            builder.inputs[drawn.node.id] = known
    return known


def resolve_mask(builder: Builder, drawn: Drawn, scores: TensorType) -> tuple[str, str]:
    """Declare a mask whose kind the call tells, by its first use on scores of this type."""
    known = builder.masks.get(drawn.node.id)
    if known is None:
        required = not drawn.meaning.optional
        place = drawn.node.span
        known = builder.add_mask_input(drawn.name, scores, place, required=required)
        builder.masks[drawn.node.id] = known
    return known


def known_types(builder: Builder, arguments: Sequence[Argument]) -> list[TensorType]:
    """The types of those arguments that have one already."""
    names = [a.value.name for a in arguments if a.value.pending is None]
    return [builder.type_of(name) for name in names if name is not None]
