"""One node: what it gives, once its operands are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from attn_dsl.ir import Dim, Origin, TensorType
from attn_dsl.ir.ops import Add, Mask, Positions, Row, Transpose
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn, Operand
from attn_dsl.semantics.equations import build_equation
from attn_dsl.semantics.labels import Meaning
from attn_dsl.semantics.masks import mask_alone
from attn_dsl.semantics.on_families import build_on_arrow, build_on_family, enter
from attn_dsl.semantics.operations import build
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.stacks import member_type, stacked
from attn_dsl.semantics.values import Stack, Value
from attn_dsl.semantics.vocabulary import find_role, normal
from attn_dsl.semantics.work import Plain, is_family

DEFAULT_DIMS = {"query": ("Lq", "D"), "key": ("Lk", "D"), "value": ("Lk", "Dv")}
"""The dims of an undeclared query, key and value, after any batch dims."""

MAX_NAMES = 100
"""By how many names a value is known: a chain of nodes that it passes through adds one each."""

Instantiate = Callable[[Builder, Site, Sequence[Argument]], Value]
"""Elaborates a module; it is passed in, since a module's nodes are elaborated here again."""


def elaborate_node(
    builder: Builder,
    scope: Scope,
    drawn: Drawn,
    values: Mapping[str, Value],
    instantiate: Instantiate,
) -> Value:
    """What `drawn` gives; a failed value once what is wrong was reported."""
    value = _value(builder, scope, drawn, values, instantiate)
    of_first = drawn.family.names if drawn.family is not None else ()
    known_as = (*value.known_as, drawn.name, drawn.node.id, *of_first)
    return replace(value, known_as=tuple(dict.fromkeys(known_as))[-MAX_NAMES:])


def _value(
    builder: Builder,
    scope: Scope,
    drawn: Drawn,
    values: Mapping[str, Value],
    instantiate: Instantiate,
) -> Value:
    meaning = drawn.meaning
    if not drawn.operands:
        return _input(builder, scope, drawn)
    if not meaning.acts and len(drawn.operands) > 1 and not meaning.broken:
        edges = [operand.edge for operand in drawn.operands]
        builder.found.append(errors.no_operation(drawn.node, edges))
        return Value()
    site = Site(scope.wish(drawn), meaning, drawn.place, drawn.label, drawn, scope)

    def plain(site: Site, arguments: Sequence[Argument]) -> Value:
        return _without_families(builder, site, arguments, instantiate)

    taken = [_taken(builder, scope, o, values.get(o.source, Value())) for o in drawn.operands]
    operands = zip(drawn.operands, enter(builder, site, taken, plain), strict=True)
    arguments = [_argument(builder, scope, drawn, o, v, plain) for o, v in operands]
    if any(argument.value.failed for argument in arguments):
        return Value()  # reported where it went wrong
    if meaning.broken:
        return arguments[0].value  # reported; go on with it, to find what else is wrong
    lone = next((a.value.pending for a in arguments if a.value.is_positions), None)
    if lone is not None and meaning.acts and meaning.op is not Add:
        builder.found.append(errors.lone_positions(lone.node, drawn.place))
        return Value()
    if not meaning.acts:
        return _declared(builder, drawn, arguments[0].value)
    alone = None if any(map(is_family, arguments)) else mask_alone(builder, site, arguments)
    if alone is not None:
        return alone
    if site.members is not None or any(map(is_family, arguments)):
        return _declared(builder, drawn, build_on_family(builder, site, arguments, plain))
    return _declared(builder, drawn, plain(site, arguments))


def _without_families(
    builder: Builder, site: Site, arguments: Sequence[Argument], instantiate: Instantiate
) -> Value:
    """What an operation gives on plain values, or all that it does for one module."""
    meaning = site.meaning
    if meaning.equation is not None:
        return Value(build_equation(builder, site, arguments), meaning.role)
    if meaning.op is not None:
        return Value(build(builder, site, arguments), meaning.role)
    return instantiate(builder, site, arguments)


def _declared(builder: Builder, drawn: Drawn, value: Value) -> Value:
    """Hold a declared type, of one member, against the inferred one."""
    declared = drawn.meaning.type
    if declared is not None and value.outputs:
        builder.found.append(errors.type_of_several(drawn.node, list(value.outputs)))
    if declared is None or value.name is None or member_type(builder, value) == declared:
        return value
    inferred = str(member_type(builder, value))
    builder.found.append(errors.wrong_declaration(drawn.node, str(declared), inferred))
    return Value()


def _input(builder: Builder, scope: Scope, drawn: Drawn) -> Value:
    """A node without arrows in: its type is declared, or its role's, or its use's."""
    meaning = drawn.meaning
    if drawn.node.id in scope.bound:
        return _bound(builder, drawn, scope.bound[drawn.node.id])
    if meaning.broken:
        return Value()
    if meaning.acts and meaning.op not in (Mask, Positions):
        error = errors.operand_count(drawn.place, drawn.node.label.text, "operands", 0)
        builder.found.append(error)
        return Value()
    site = Site(scope.wish(drawn), meaning, drawn.place, drawn.label, drawn, scope)
    alone = mask_alone(builder, site, [])
    if alone is not None:
        return alone
    role = "mask" if meaning.op is Mask else meaning.role
    type_ = meaning.type
    if type_ is None and role in DEFAULT_DIMS:
        type_ = _by_role(builder, drawn, role)
    if type_ is None:
        called = ".".join(scope.shared_path(drawn)) if scope.prefix else drawn.name
        return Value(role=role, pending=drawn, called=called)
    return _add_input(builder, drawn, type_, role)


def _bound(builder: Builder, drawn: Drawn, value: Value) -> Value:
    """What a call brings for a module's input; if that is a family, a part for each member."""
    if drawn.family is None or value.family is not None or value.name is None:
        return value
    type_, declared = builder.type_of(value.name), drawn.meaning.type
    of_role = 1 if drawn.family.vectors else 2
    rank = of_role if declared is None else min(len(declared.dims), 2)
    size = type_.dims[-rank - 1] if len(type_.dims) > rank else None
    in_full = isinstance(drawn.family.size, int)
    if size is None or (in_full and size != Dim.of(drawn.family.size)):
        builder.found.append(errors.no_members_in(drawn.node, str(type_), drawn.family.size))
        return Value()
    name: str | None = value.name
    if rank == 0:
        name = builder.add(f"{name}_row", Row(value.name), Origin("Row", drawn.node.span))
    return replace(value, name=name, family=Stack(size, rank))


def _add_input(builder: Builder, drawn: Drawn, type_: TensorType, role: str) -> Value:
    """An input of `type_`; of as many as there are members, if it is a family."""
    stack = None
    if drawn.family is not None:
        type_, stack = stacked(type_, Dim.of(drawn.family.size))
    name = builder.add_input(drawn.name, type_, role, drawn.node.span)
    if name is not None and stack is not None and stack.rank == 0:
        name = builder.add(f"{name}_row", Row(name), Origin("Row", drawn.node.span))
    return Value(name, role, family=stack) if name is not None else Value()


def _by_role(builder: Builder, drawn: Drawn, role: str) -> TensorType:
    """An undeclared query, key or value, or one of a family: a matrix, or else a vector."""
    dims = tuple(Dim.of(symbol) for symbol in DEFAULT_DIMS[role])
    is_vector = drawn.family.vectors if drawn.family is not None else drawn.vector
    return TensorType(builder.settings.dtype, dims[-1:] if is_vector else dims, batch=True)


def _argument(
    builder: Builder,
    scope: Scope,
    drawn: Drawn,
    operand: Operand,
    value: Value,
    plain: Plain,
) -> Argument:
    """The value at the head of an arrow: what its label says is done on the way."""
    change, place, label = operand.change, operand.edge.span, operand.edge.label
    if drawn.meaning.module and change.op is Mask and change.optional and value.role == "mask":
        return Argument(_optional(value), place, ("mask",))
    if change.op is not None and value.is_positions and value.pending is not None:
        builder.found.append(errors.lone_positions(value.pending.node, place))
        value = Value()
    if change.op is not None and not value.failed:
        assert label is not None
        wish = f"{value.name}_T" if change.op is Transpose else f"{scope.wish(drawn)}_{value.name}"
        site = Site(wish, change, label.span, label, drawn, scope, operand.edge)
        made = build_on_arrow(builder, site, Argument(value, place), plain)
        value = replace(made, role="", known_as=value.known_as)
    elif change.role in (*DEFAULT_DIMS, "mask"):
        value = replace(value, role=change.role)
    roles = [change.role] if change.role else []
    if label is not None and change == Meaning(role=change.role) and not roles:
        words = re.split(r"&|,|\band\b", label.text)
        roles = [find_role(word) or normal(word) for word in words]
    return Argument(value, place, tuple(filter(None, roles)), None if operand.named else label)


def _optional(value: Value) -> Value:
    """A mask whose arrow calls it optional: as if its box did."""
    if value.pending is None:
        return value
    meaning = replace(value.pending.meaning, optional=True)
    return replace(value, pending=replace(value.pending, meaning=meaning))


def _taken(builder: Builder, scope: Scope, operand: Operand, value: Value) -> Value:
    """The output that an arrow takes of a module that gives several."""
    if not value.outputs:
        return value
    if operand.output not in value.outputs:
        source = scope.drawing[operand.source].node
        builder.found.append(errors.which_output(operand.edge, source, list(value.outputs)))
    return value.outputs.get(operand.output, Value())
