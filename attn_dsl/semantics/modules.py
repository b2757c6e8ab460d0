"""Modules: a node that stands for a whole diagram, from the library or from a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from os.path import normpath
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.ir import Dim
from attn_dsl.ir.ops import Mask
from attn_dsl.library import WORDS, library_path
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn, read_drawing
from attn_dsl.semantics.families import collapse_families
from attn_dsl.semantics.lookup import setting
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.sizes import read_size
from attn_dsl.semantics.unify import unify
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.vocabulary import ROLES, normal
from attn_dsl.syntax import Diagram, read_document
from attn_dsl.syntax import parse as parse_diagram

Elaborate = Callable[[Builder, Scope], dict[str, Value]]


@dataclass(frozen=True)
class Module:
    """A diagram that is used inside another, and what was found while it was read."""

    name: str
    diagram: Diagram
    drawing: dict[str, Drawn]
    found: tuple[Diagnostic, ...]

    @property
    def inputs(self) -> list[Drawn]:
        """The nodes that take their value from the call."""
        nodes = self.drawing.values()
        used = {o.source for d in nodes for o in d.operands}
        return [d for d in nodes if d.node.id in used and not d.operands and _is_input(d)]

    @property
    def outputs(self) -> list[str]:
        """The nodes that nobody uses."""
        used = {o.source for d in self.drawing.values() for o in d.operands}
        return [id for id, d in self.drawing.items() if id not in used and d.operands]


def load_module(path: str) -> Module:
    """Read the diagram at `path`; raises DiagnosticError if it does not parse."""
    file = Path(path)
    changed = file.stat().st_mtime_ns if file.exists() else 0
    return _load(path, changed)


@cache
def _load(path: str, changed: int) -> Module:
    """Once for each time at which the file `changed`."""
    block = read_document(path)
    diagram = parse_diagram(block.source, block.start, block.end)
    found: list[Diagnostic] = []
    return Module(path, diagram, collapse_families(read_drawing(diagram, found)), tuple(found))


def instantiate(
    builder: Builder, site: Site, arguments: Sequence[Argument], elaborate: Elaborate
) -> str | None:
    """Elaborate the module that `site` names on `arguments`; the value that it gives."""
    path = _path(site)
    if path in site.scope.modules:
        builder.found.append(errors.includes_itself(site.place, [*site.scope.modules, path]))
        return None
    if not builder.count_copy(site.place):
        return None
    try:
        module = load_module(path)
    except DiagnosticError as error:
        builder.found.extend(error.diagnostics)
        return None
    builder.found.extend(module.found)
    if len(module.outputs) != 1:
        builder.found.append(errors.one_output(site.place, path, module.outputs))
        return None
    bound = _match(builder, site, module, arguments)
    if bound is None:
        return None
    scope = Scope(
        module.diagram,
        module.drawing,
        prefix=site.scope.path(site.drawn),
        shared=site.scope.shared_path(site.drawn),
        owned=site.scope.parameter_path(site.drawn),
        bound=bound,
        parameters=_parameters(builder, site, module, bound),
        call=site.scope.call or site.place,
        modules=(*site.scope.modules, path),
    )
    values = elaborate(builder, scope)
    return values.get(module.outputs[0], Value()).name


def _path(site: Site) -> str:
    """The file of the library's module, or one beside the diagram that names it."""
    name = site.meaning.module
    if name in WORDS:
        return str(library_path(name))
    return normpath(Path(site.scope.diagram.source.name).parent / name)


def _match(
    builder: Builder, site: Site, module: Module, arguments: Sequence[Argument]
) -> dict[str, Value] | None:
    """Arguments to inputs: by the words of their arrows, then in order.

    One argument may be query, key and value at once.
    """
    inputs = {drawn.node.id: drawn for drawn in module.inputs}
    masks = _masks(module, arguments)
    arguments = [argument for argument in arguments if argument.value not in masks.values()]
    by_name: dict[str, Argument] = {}
    unnamed: list[Argument] = []
    for argument in arguments:
        named = [id for id, d in inputs.items() if _goes_to(argument, d)]
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
        wanted = ", ".join(d.name for d in module.inputs)
        error = errors.module_operands(site.place, site.label.text, wanted, len(arguments))
        builder.found.append(error)
        return None
    resolved = {id: typed(builder, site, Argument(v, site.place), None) for id, v in bound.items()}
    if None in resolved.values():
        return None
    return {
        **masks,
        **{id: Value(name, _role(module.drawing[id])) for id, name in resolved.items()},
    }


def _masks(module: Module, arguments: Sequence[Argument]) -> dict[str, Value]:
    """A mask with an arrow into the call takes the place of the module's optional one."""
    given = [a for a in arguments if "mask" in a.roles or a.value.role == "mask"]
    nodes = module.drawing.values()
    slots = [d.node.id for d in nodes if d.meaning.op is Mask and d.meaning.optional]
    wanted = any(_role(drawn) == "mask" for drawn in module.inputs)
    if wanted or len(given) != 1 or len(slots) != 1:
        return {}
    return {slots[0]: given[0].value}


def _is_input(drawn: Drawn) -> bool:
    """Whether it takes its value from the call: an optional mask does not."""
    return not drawn.meaning.acts or (drawn.meaning.op is Mask and not drawn.meaning.optional)


def _role(drawn: Drawn) -> str:
    return "mask" if drawn.meaning.op is Mask else drawn.meaning.role


def _goes_to(argument: Argument, drawn: Drawn) -> bool:
    """Whether the arrow is labelled with the role, the name or the words of an input."""
    names = {_role(drawn), drawn.name.lower(), normal(drawn.node.label.text)} - {""}
    return not names.isdisjoint(argument.roles)


def _parameters(
    builder: Builder, site: Site, module: Module, bound: dict[str, Value]
) -> dict[str, Dim]:
    """The module's sizes.

    `d_model` is the last dim of its first input, and the symbols of its own types are what the
    call brings; `heads` and the others are as the node says, a setting, or the default.
    """
    first = next(iter(bound.values()), Value()).name
    dims = builder.type_of(first).dims if first is not None else ()
    own = _own_sizes(builder, site, module, bound)
    parameters = {**site.scope.parameters, **own, **({"d_model": dims[-1]} if dims else {})}
    defaults = module.diagram.settings.values.get("parameters", {})
    data = site.drawn.node.data
    for name, default in {"heads": None, **defaults}.items():
        said = data.values.get(name, site.scope.parameters.get(name))
        given = setting(builder, name, site.scope.shared_path(site.drawn), said)
        if given is not None or default is not None:
            place = data.spans.get(name, site.place)
            size = default if given is None else given
            parameters[name] = read_size(builder, place, name, size, parameters)
    return parameters


def _own_sizes(
    builder: Builder, site: Site, module: Module, bound: dict[str, Value]
) -> dict[str, Dim]:
    """The symbols of the types that the module declares, from the types that it is given."""
    sizes: dict[str, Dim] = {}
    for id, value in bound.items():
        node, declared = module.drawing[id].node, module.drawing[id].meaning.type
        if declared is None or value.name is None:
            continue
        given = builder.type_of(value.name)
        if not unify(declared, given, sizes):
            error = errors.other_type(site.place, str(given), node, str(declared))
            builder.found.append(error)
    return sizes
