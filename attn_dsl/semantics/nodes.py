"""One node: what it gives, once its operands are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from attn_dsl.ir import Dim, TensorType
from attn_dsl.ir.ops import Add, Mask, Positions, Transpose
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn, Operand
from attn_dsl.semantics.equations import build_equation
from attn_dsl.semantics.labels import Meaning
from attn_dsl.semantics.members import (
    VECTORS,
    as_heads,
    build_on_family,
    has_family,
    split_for_heads,
)
from attn_dsl.semantics.operations import build
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.vocabulary import find_role, normal

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
    known_as = (*value.known_as, drawn.name, drawn.node.id)
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
    arguments = [_argument(builder, scope, drawn, o, values) for o in drawn.operands]
    if any(argument.value.failed for argument in arguments):
        return Value()  # reported where it went wrong
    if meaning.broken:
        return arguments[0].value  # reported; go on with it, to find what else is wrong
    lone = next((a.value.pending for a in arguments if a.value.is_positions), None)
    if lone is not None and meaning.acts and meaning.op is not Add:
        builder.found.append(errors.lone_positions(lone.node, drawn.place))
        return Value()
    site = Site(scope.wish(drawn), meaning, drawn.place, drawn.label, drawn, scope)
    if drawn.family is not None and meaning.module:
        heads = split_for_heads(builder, site, arguments)
        return as_heads(instantiate(builder, site, heads)) if heads else Value()
    if meaning.op is not None and has_family(site, arguments):
        value = build_on_family(builder, site, arguments)
    elif meaning.equation is not None:
        value = Value(build_equation(builder, site, arguments), meaning.role)
    elif meaning.op is not None:
        value = Value(build(builder, site, arguments), meaning.role)
    elif meaning.module:
        value = instantiate(builder, site, arguments)
    else:
        value = arguments[0].value
    return _declared(builder, drawn, value)


def _declared(builder: Builder, drawn: Drawn, value: Value) -> Value:
    """Hold a declared type against the inferred one."""
    declared = drawn.meaning.type
    if declared is not None and value.outputs:
        builder.found.append(errors.type_of_several(drawn.node, list(value.outputs)))
    if declared is None or value.name is None or builder.type_of(value.name) == declared:
        return value
    inferred = str(builder.type_of(value.name))
    builder.found.append(errors.wrong_declaration(drawn.node, str(declared), inferred))
    return Value()


def _input(builder: Builder, scope: Scope, drawn: Drawn) -> Value:
    """A node without arrows in: its type is declared, or its role's, or its use's."""
    meaning = drawn.meaning
    if drawn.node.id in scope.bound:
        return scope.bound[drawn.node.id]
    if meaning.broken:
        return Value()
    if meaning.acts and meaning.op not in (Mask, Positions):
        error = errors.operand_count(drawn.place, drawn.node.label.text, "operands", 0)
        builder.found.append(error)
        return Value()
    role = "mask" if meaning.op is Mask else meaning.role
    type_ = meaning.type
    if type_ is None and role in DEFAULT_DIMS:
        type_ = _by_role(builder, drawn, role)
    if type_ is None:
        called = ".".join(scope.shared_path(drawn)) if scope.prefix else drawn.name
        return Value(role=role, pending=drawn, called=called)
    if drawn.family is not None and meaning.type is not None:
        type_ = type_.with_dims(_size(drawn), *type_.dims)  # a type of one member was declared
    name = builder.add_input(drawn.name, type_, role, drawn.node.span)
    family = VECTORS if drawn.family is not None else ""
    return Value(name, role, family=family) if name is not None else Value()


def _by_role(builder: Builder, drawn: Drawn, role: str) -> TensorType:
    """An undeclared query, key or value: matrices, but vectors where there are families."""
    dims = tuple(Dim.of(symbol) for symbol in DEFAULT_DIMS[role])
    if drawn.family is not None:
        dims = (_size(drawn), dims[-1])
    elif drawn.vector:
        dims = dims[-1:]
    return TensorType(builder.settings.dtype, dims, batch=True)


def _size(drawn: Drawn) -> Dim:
    assert drawn.family is not None
    return Dim.of(drawn.family.size)


def _argument(
    builder: Builder,
    scope: Scope,
    drawn: Drawn,
    operand: Operand,
    values: Mapping[str, Value],
) -> Argument:
    """The value at the head of an arrow: what its label says is done on the way."""
    value = _taken(builder, scope, operand, values.get(operand.source, Value()))
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
        made = build(builder, site, [Argument(value, place)])
        value = Value(made, known_as=value.known_as)
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
