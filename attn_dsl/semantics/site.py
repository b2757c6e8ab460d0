"""An operation as it was drawn, with the arguments that flow into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attn_dsl.diagnostics import Diagnostic, Span
from attn_dsl.ir import Origin, TensorType
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.labels import Meaning
from attn_dsl.semantics.scope import Members, Scope
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Diagram, Edge, Metadata, Text


@dataclass(frozen=True)
class Argument:
    """A value that flows in, and by which arrow; `roles` are the words of the arrow's `label`."""

    value: Value
    place: Span
    roles: tuple[str, ...] = ()
    label: Text | None = None


@dataclass(frozen=True)
class Site:
    """Where an operation stands: what its value is called, what it means, its place.

    `drawn` is the node that it belongs to, itself or by the arrow `edge` into it. `is_open` is
    that of `Members`, for a node that stands for some. `places` are where the label names values
    of the graph.
    """

    wish: str
    meaning: Meaning
    place: Span
    label: Text
    drawn: Drawn
    scope: Scope
    edge: Edge | None = None
    is_open: bool = False
    places: Mapping[str, Span] = field(default_factory=dict)

    @property
    def diagram(self) -> Diagram:
        """The diagram that it is drawn in."""
        return self.scope.diagram

    @property
    def data(self) -> Metadata:
        """The metadata of the node, or of the arrow that the operation stands on."""
        return self.drawn.node.data if self.edge is None else self.edge.data

    @property
    def members(self) -> Members | None:
        """The family that this is done for: the node's own, or that of the module around it."""
        if self.drawn.family is not None:
            return Members(self.drawn, self.scope, self.is_open)
        return self.scope.members

    @property
    def parameter_path(self) -> tuple[str, ...]:
        """What the names of its parameters begin with; those of an arrow end in its source."""
        path = self.scope.parameter_path(self.drawn)
        return path if self.edge is None else (*path, self.edge.source)

    def origin(self, title: str) -> Origin:
        """The origin of a statement that does `title` here."""
        return Origin(title, self.place, self.scope.call, self.drawn.twins)


def typed(builder: Builder, site: Site, argument: Argument, like: TensorType | None) -> str | None:
    """The value of an argument; an undeclared input takes the type `like`, if there is one."""
    pending = argument.value.pending
    if pending is None:
        return argument.value.name
    if not argument.value.is_condition and pending.name in builder.inputs:
        return builder.inputs[pending.name]
    if argument.value.is_condition or like is None:
        builder.found.append(no_type(argument.value, pending, site.place))
        return None
    return builder.add_input(pending.name, like, argument.value.role, pending.node.span)


def no_type(value: Value, pending: Drawn, user: Span) -> Diagnostic:
    """Why a value that `pending` draws has no type where it is used."""
    if value.is_positions:
        return errors.lone_positions(pending.node, user)
    if value.is_condition:
        return errors.mask_alone(pending.place, user if user != pending.node.span else None)
    return errors.undeclared(pending.node, user)


def has_operands(
    builder: Builder, site: Site, arguments: Sequence[Argument], count: range, wanted: str
) -> bool:
    """Whether as many values flow in as `count` allows; an error says how many are `wanted`."""
    if len(arguments) in count:
        return True
    error = errors.operand_count(site.place, site.label.text, wanted, len(arguments))
    builder.found.append(error)
    return False


def known_types(builder: Builder, arguments: Sequence[Argument]) -> list[TensorType]:
    """The types of those arguments that have one already."""
    names = [a.value.name for a in arguments if a.value.pending is None]
    return [builder.type_of(name) for name in names if name is not None]
