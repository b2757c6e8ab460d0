"""A node that stands for a whole diagram: its arrows, its sizes, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import Dim
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.lookup import setting
from attn_dsl.semantics.matching import match_inputs
from attn_dsl.semantics.modules import Module, load_module, module_path
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.sizes import read_size
from attn_dsl.semantics.slots import place_masks
from attn_dsl.semantics.stacks import as_tensor, member_type, stacked
from attn_dsl.semantics.unify import unify
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import sub_metadata

MAX_DEPTH = 30
"""How deep modules may stand in modules."""

Elaborate = Callable[[Builder, Scope], Mapping[str, Value]]


def instantiate(
    builder: Builder, site: Site, arguments: Sequence[Argument], elaborate: Elaborate
) -> Value:
    """Elaborate the module that `site` names on `arguments`; what it gives.

    A failed value once what is wrong was reported.
    """
    module = _loaded(builder, site)
    if module is None:
        return Value()
    inputs = {drawn.node.id: drawn for drawn in module.inputs}
    placed = place_masks(builder, site, module, arguments)
    if placed is None:
        return Value()
    bound = match_inputs(builder, site, inputs, placed.others)
    if bound is None:
        return Value()
    scope = Scope(
        module.diagram,
        module.drawing,
        prefix=site.scope.path(site.drawn),
        shared=site.scope.shared_path(site.drawn),
        owned=site.scope.parameter_path(site.drawn),
        bound={**placed.bound, **bound},
        masks=placed.masks,
        parameters=_parameters(builder, site, module, bound),
        call=site.scope.call or site.place,
        modules={**site.scope.modules, module.key: module_path(site.meaning.module, site.diagram)},
        members=site.members,
    )
    values = elaborate(builder, scope)
    given = {
        name: _given(builder, site, values.get(id, Value())) for name, id in module.outputs.items()
    }
    nested = {module.outputs[n]: list(v.outputs) for n, v in given.items() if v.outputs}
    if nested:
        builder.found.append(errors.several_inside(site.place, module.name, nested))
        return Value()
    if len(given) == 1:
        (value,) = given.values()
        return replace(value, role=site.meaning.role, known_as=())
    if any(value.failed for value in given.values()):
        return Value()
    named = {n: replace(v, known_as=(n, module.outputs[n])) for n, v in given.items()}
    return Value(outputs=named)


def _given(builder: Builder, site: Site, value: Value) -> Value:
    """What the module's drawing gives; a family in it is one tensor to the outside."""
    return as_tensor(builder, value, site.origin("Vector")) if site.members is None else value


def _loaded(builder: Builder, site: Site) -> Module | None:
    """The module that `site` names; None, and an error, if it cannot be used there."""
    path, around = module_path(site.meaning.module, site.diagram), site.scope.modules
    if not builder.count_copy(site.place):
        return None
    try:
        module = load_module(path)
    except DiagnosticError as error:
        builder.found.extend(error.diagnostics)
        return None
    if module.key in around:
        builder.found.append(errors.includes_itself(site.place, [*around.values(), path]))
        return None
    if len(around) >= MAX_DEPTH:
        builder.found.append(errors.too_deep(site.place, MAX_DEPTH))
        return None
    builder.found.extend(module.found)
    if not module.outputs:
        builder.found.append(errors.no_output(site.place, path))
        return None
    return module


def _parameters(
    builder: Builder, site: Site, module: Module, bound: Mapping[str, Value]
) -> dict[str, Dim]:
    """The module's sizes.

    `d_model` is the last dim of its first input, and the symbols of its own types are what the
    call brings; `heads` and the others are as the node says, a setting, or the default.
    """
    first = next(iter(bound.values()), Value()).name
    dims = builder.type_of(first).dims if first is not None else ()
    own = _own_sizes(builder, site, module, bound)
    parameters = {**site.scope.parameters, **own, **({"d_model": dims[-1]} if dims else {})}
    defaults = sub_metadata(module.diagram.settings, "parameters").values
    data = site.drawn.node.data
    for name, default in {"heads": None, **defaults}.items():
        place = data.spans.get(name, site.place)
        steps, said = site.scope.steps(site.drawn), data.values.get(name)
        given = setting(builder, site.scope, steps, name, said, place)
        if given is not None or default is not None:
            size = default if given is None else given
            parameters[name] = read_size(builder, place, name, size, parameters)
    return parameters


def default_sizes(builder: Builder, scope: Scope) -> dict[str, Dim]:
    """The `parameters` of a diagram that is no module: settings, or their defaults."""
    data = sub_metadata(scope.diagram.settings, "parameters")
    sizes: dict[str, Dim] = {}
    for name, default in data.values.items():
        given = setting(builder, scope, (), name)
        size, place = default if given is None else given, data.spans[name]
        sizes[name] = read_size(builder, place, name, size, sizes)
    return sizes


def _own_sizes(
    builder: Builder, site: Site, module: Module, bound: Mapping[str, Value]
) -> dict[str, Dim]:
    """The symbols of the types that the module declares, from the types that it is given."""
    sizes: dict[str, Dim] = {}
    for id, value in bound.items():
        drawn = module.drawing[id]
        declared = drawn.meaning.type
        if declared is not None and drawn.family is not None:
            declared, _ = stacked(declared, Dim.of(drawn.family.size))
        if declared is None or value.name is None:
            continue
        given = member_type(builder, value)
        if not unify(declared, given, sizes):
            error = errors.other_type(site.place, str(given), drawn.node, str(declared))
            builder.found.append(error)
    return sizes
