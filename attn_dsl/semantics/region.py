"""All nodes of a scope in the order of use; repeated subgraphs as often as they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attn_dsl.diagnostics import Note
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.carry import at, carried, enter
from attn_dsl.semantics.instantiate import instantiate
from attn_dsl.semantics.nodes import elaborate_node
from attn_dsl.semantics.order import use_order
from attn_dsl.semantics.repeat import Repeat, read_repeats
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value

Values = Mapping[str, Value]
CHECKED = 100
"""After so many nodes it is asked whether there are errors enough."""


def elaborate_scope(builder: Builder, scope: Scope) -> dict[str, Value]:
    """What every node of the scope gives, by its id."""
    _, circles = use_order(_uses(scope, scope.drawing))
    for circle in circles:
        builder.found.append(errors.cycle([scope.drawing[id].node for id in circle]))
    broken = {id for circle in circles for id in circle}
    repeats = read_repeats(builder, scope)
    nodes = [id for id in scope.drawing if id not in broken]
    return _region(builder, scope, nodes, {}, repeats)


def _uses(scope: Scope, nodes: Collection[str]) -> dict[str, list[str]]:
    inside = set(nodes)
    return {
        id: [o.source for o in scope.drawing[id].operands if o.source in inside] for id in nodes
    }


def _region(
    builder: Builder,
    scope: Scope,
    nodes: Sequence[str],
    outside: Values,
    repeats: Mapping[str, Repeat],
) -> dict[str, Value]:
    """Elaborate `nodes`, given the values outside of them."""
    unit_of = {id: _unit(scope, id, repeats) for id in nodes}
    uses: dict[str, list[str]] = {unit: [] for unit in unit_of.values()}
    for id, operands in _uses(scope, nodes).items():
        others = (unit_of[o] for o in operands)
        uses[unit_of[id]] += [unit for unit in others if unit != unit_of[id]]
    order, circles = use_order(uses)
    for circle in circles:
        spans = [repeats[unit].subgraph.span for unit in circle if unit in repeats]
        builder.found.append(errors.repeat_in_circle(spans[0]))
    values = dict(outside)
    for number, unit in enumerate(order):
        if number % CHECKED == 0 and builder.has_enough_errors:
            break
        if unit in repeats and unit not in scope.drawing:
            members = [id for id in nodes if unit_of[id] == unit]
            values |= _repeat(builder, scope, repeats[unit], members, values, repeats)
        else:
            drawn = scope.drawing[unit]
            values[unit] = elaborate_node(builder, scope, drawn, values, _instantiate)
    return values


def _unit(scope: Scope, id: str, repeats: Mapping[str, Repeat]) -> str:
    """The outermost repetition around a node that is not being elaborated yet, or the node."""
    around = [s.id for s in scope.around(scope.drawing[id])]
    waiting = [s for s in around if s in repeats and s not in scope.indices]
    return waiting[-1] if waiting else id


def _repeat(
    builder: Builder,
    scope: Scope,
    repeat: Repeat,
    members: Sequence[str],
    outside: Values,
    repeats: Mapping[str, Repeat],
) -> dict[str, Value]:
    """The values of the last copy; each copy takes what it carries from the one before."""
    values = _region(builder, scope.repeated(repeat.subgraph.id, 0), members, outside, repeats)
    if repeat.count > 1:
        pairs = carried(builder, scope, repeat, members, values)
        for index in range(1, repeat.count):
            if not pairs or any(at(values, pair.leaves).failed for pair in pairs):
                break
            if not builder.count_copy(repeat.subgraph.title.span):
                break
            entering = enter(outside, values, pairs)
            copy = scope.repeated(repeat.subgraph.id, index)
            values = _region(builder, copy, members, entering, repeats)
    return {id: values[id] for id in members if id in values}


def _instantiate(builder: Builder, site: Site, arguments: Sequence[Argument]) -> Value:
    """What a module gives, its errors with the place that calls it."""
    before = len(builder.found)
    value = instantiate(builder, site, arguments, elaborate_scope)
    call = Note(site.place, "called here")
    builder.found[before:] = [errors.called(d, call) for d in builder.found[before:]]
    return value
