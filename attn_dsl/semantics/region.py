"""All nodes of a scope in the order of use; repeated subgraphs as often as they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attn_dsl.diagnostics import Note
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.carry import at, carried, enter
from attn_dsl.semantics.enough import until_enough
from attn_dsl.semantics.instantiate import instantiate
from attn_dsl.semantics.nodes import elaborate_node
from attn_dsl.semantics.order import one_circle, use_order
from attn_dsl.semantics.repeat import Repeat, read_repeats
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value

Values = Mapping[str, Value]


def elaborate_scope(builder: Builder, scope: Scope) -> dict[str, Value]:
    """What every node of the scope gives, by its id."""
    uses = _uses(scope, scope.drawing)
    _, knots = use_order(uses)
    for knot in until_enough(knots, builder.found):
        nodes = [scope.drawing[id].node for id in one_circle(uses, knot)]
        builder.found.append(errors.cycle(nodes))
    broken = {id for knot in knots for id in knot}
    repeats = read_repeats(builder, scope)
    whole = [id for id in scope.drawing if id not in broken]
    return _region(builder, scope, whole, {}, repeats)


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
    unit_of = _units(scope, nodes, repeats)
    members: dict[str, list[str]] = {}
    for id, unit in unit_of.items():
        members.setdefault(unit, []).append(id)
    uses: dict[str, list[str]] = {unit: [] for unit in members}
    for id, operands in _uses(scope, nodes).items():
        others = (unit_of[o] for o in operands)
        uses[unit_of[id]] += [unit for unit in others if unit != unit_of[id]]
    order, knots = use_order(uses)
    for knot in knots:
        spans = [repeats[unit].subgraph.span for unit in knot if unit in repeats]
        builder.found.append(errors.repeat_in_circle(spans[0]))
    values = dict(outside)
    for unit in until_enough(order, builder.found):
        if unit in repeats and unit not in scope.drawing:
            values |= _repeat(builder, scope, repeats[unit], members[unit], values, repeats)
        else:
            drawn = scope.drawing[unit]
            values[unit] = elaborate_node(builder, scope, drawn, values, _instantiate)
    return values


def _units(scope: Scope, nodes: Sequence[str], repeats: Mapping[str, Repeat]) -> dict[str, str]:
    """By node, the outermost repetition around it that is not being elaborated yet, or itself."""
    outermost: dict[str | None, str] = {}
    for subgraph in scope.diagram.subgraphs if repeats else ():  # outer ones come first
        if subgraph.parent in outermost:
            outermost[subgraph.id] = outermost[subgraph.parent]
        elif subgraph.id in repeats and subgraph.id not in scope.indices:
            outermost[subgraph.id] = subgraph.id
    return {id: outermost.get(scope.drawing[id].node.subgraph, id) for id in nodes}


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
