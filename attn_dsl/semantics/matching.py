"""The arrows into a module: which of its inputs each of them brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from attn_dsl.ir.ops import Mask
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.vocabulary import ROLES, normal


def match_inputs(
    builder: Builder, site: Site, inputs: Mapping[str, Drawn], arguments: Sequence[Argument]
) -> dict[str, Value] | None:
    """Values to inputs by their ids: by the words of their arrows, then in order.

    One argument may be query, key and value at once. None once what is wrong was reported.
    """
    by_name: dict[str, Argument] = {}
    unnamed: list[Argument] = []
    for argument in arguments:
        named = [id for id, drawn in inputs.items() if goes_to(argument, drawn)]
        for id in named:
            if id in by_name:
                first = by_name[id].place
                error = errors.brought_twice(argument.place, inputs[id].node.label.text, first)
                builder.found.append(error)
                return None
            by_name[id] = argument
        if not named:
            unnamed.append(argument)
            if argument.label is not None and not set(argument.roles) <= {"lhs", "rhs", *ROLES}:
                builder.found.append(errors.comment(argument.label))
    bound = {id: argument.value for id, argument in by_name.items()}
    free = {id: drawn for id, drawn in inputs.items() if id not in bound}
    shared = all(d.meaning.role for d in free.values())
    if len(unnamed) == 1 and free and shared:
        bound |= dict.fromkeys(free, unnamed[0].value)
    elif len(unnamed) == len(free):
        bound |= dict(zip(free, (a.value for a in unnamed), strict=True))
    else:
        wanted = ", ".join(drawn.name for drawn in inputs.values())
        error = errors.module_operands(site.place, site.label.text, wanted, len(arguments))
        builder.found.append(error)
        return None
    return _resolved(builder, site, inputs, bound)


def _resolved(
    builder: Builder, site: Site, inputs: Mapping[str, Drawn], bound: Mapping[str, Value]
) -> dict[str, Value] | None:
    """Each value with the role of its input, once its type is known; that of a mask may wait."""
    found: dict[str, Value] = {}
    for id, value in bound.items():
        role = role_of(inputs[id])
        if role == "mask" and value.pending is not None:
            found[id] = replace(value, role=role)
            continue
        name = typed(builder, site, Argument(value, site.place), None)
        found[id] = Value(name, role, family=value.family)
    return None if any(value.failed for value in found.values()) else found


def role_of(drawn: Drawn) -> str:
    """What an input of a module is for."""
    return "mask" if drawn.meaning.op is Mask else drawn.meaning.role


def goes_to(argument: Argument, drawn: Drawn) -> bool:
    """Whether the arrow is labelled with the role, the name or the words of an input."""
    names = {role_of(drawn), drawn.name.lower(), normal(drawn.node.label.text)} - {""}
    return not names.isdisjoint(argument.roles)
