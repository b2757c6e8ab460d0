"""Diagram to graph: all errors in one run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity, worst
from attn_dsl.expr import INDICES, SCORE, names_in
from attn_dsl.ir import Graph, Origin
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn, read_drawing
from attn_dsl.semantics.enough import are_enough, until_enough
from attn_dsl.semantics.families import collapse_families
from attn_dsl.semantics.instantiate import default_sizes
from attn_dsl.semantics.keys import check_keys
from attn_dsl.semantics.lookalikes import lookalikes
from attn_dsl.semantics.modules import interfaces
from attn_dsl.semantics.nodes import DEFAULT_DIMS
from attn_dsl.semantics.region import elaborate_scope
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.settings import Settings
from attn_dsl.semantics.site import no_type
from attn_dsl.semantics.stacks import as_tensor
from attn_dsl.semantics.unused import misspelled_settings, unused_settings
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Diagram

_ELLIPSIS = re.compile(r"\s*(…|⋯|⋮|\.{2,})\s*")
"""A box that says that some are left out, as between key 2 and key N."""


@dataclass(frozen=True)
class Elaborated:
    """The graph that a diagram draws; notes and warnings on how it was read."""

    graph: Graph
    notes: tuple[Diagnostic, ...]


def elaborate(diagram: Diagram, settings: Settings, name: str = "attention") -> Elaborated:
    """The meaning of `diagram`, as a graph called `name`.

    Raises DiagnosticError with every error of the drawing, warnings and notes beside them.
    """
    found: list[Diagnostic] = []
    interface_of = interfaces(diagram)
    read = read_drawing(diagram, found, interface_of)
    found += check_keys(diagram, read, interface_of)
    _stop_at_enough(diagram, found)
    drawing = collapse_families(read)
    symbols = _symbols(drawing)
    builder = Builder(settings, symbols, frozenset(symbols), found=found)
    scope = Scope(diagram, drawing)
    scope = replace(scope, parameters=default_sizes(builder, scope))
    values = elaborate_scope(builder, scope)
    _stop_at_enough(diagram, found)
    outputs = _outputs(builder, diagram, drawing, values)
    if not outputs and worst(found) < Severity.ERROR:
        found.append(errors.nothing_to_compute(diagram.source.whole))
    if worst(found) < Severity.ERROR:
        graph = Graph.ordered(name, builder.statements.values(), outputs)
        found += _sizeless(graph)
    if worst(found) < Severity.ERROR:
        found += unused_settings(settings, graph.symbols, builder.lookups)
    else:
        found += misspelled_settings(settings, builder.symbols, builder.lookups)
        found += lookalikes(read)
    if worst(found) is Severity.ERROR:
        raise DiagnosticError([*diagram.warnings, *_once(found)])
    return Elaborated(graph, (*diagram.warnings, *_once(found)))


def _stop_at_enough(diagram: Diagram, found: list[Diagnostic]) -> None:
    if are_enough(found):
        raise DiagnosticError([*diagram.warnings, *_once(found)])


def _symbols(drawing: Mapping[str, Drawn]) -> set[str]:
    """All sizes that the drawing declares, those of undeclared queries, keys and values too."""
    symbols: set[str] = set()
    for drawn in drawing.values():
        if drawn.meaning.type is not None:
            symbols.update(drawn.meaning.type.symbols)
        elif not drawn.operands:
            symbols.update(DEFAULT_DIMS.get(drawn.meaning.role, ()))
    return symbols


def _outputs(
    builder: Builder,
    diagram: Diagram,
    drawing: Mapping[str, Drawn],
    values: Mapping[str, Value],
) -> list[tuple[str, str]]:
    """The nodes that nobody uses, with the value that each gives; several of a module.

    Of a family it is one tensor.

    One is called by its NAME, or by its id where others have that NAME, too.
    """
    used = {operand.source for drawn in drawing.values() for operand in drawn.operands}
    used |= {edge.source for edge in diagram.edges}  # of some, the use was an error
    alone = [d.node for id, d in drawing.items() if id not in used and not d.operands]
    builder.found += (errors.unused(n) for n in alone if not _ELLIPSIS.fullmatch(n.label.text))
    last = [drawn for id, drawn in drawing.items() if id not in used and drawn.operands]
    names = Counter(drawn.name for drawn in last)
    outputs = []
    for drawn in until_enough(last, builder.found):
        value = values.get(drawn.node.id, Value())
        if value.pending is not None:
            builder.found.append(no_type(value, value.pending, drawn.node.span))
        name = drawn.name if names[drawn.name] == 1 else drawn.node.id
        given = {f"{name}.{output}": v for output, v in value.outputs.items()} or {name: value}
        for label, one in given.items():
            tensor = as_tensor(builder, one, Origin("Vector", drawn.place)).name
            outputs += [(label, tensor)] if tensor is not None else []
    return outputs


def _sizeless(graph: Graph) -> Iterator[Diagnostic]:
    """Sizes in expressions that no input tells, as the input that had them is not used."""
    known = {*graph.symbols, *INDICES, SCORE.id}
    for statement in graph.statements:
        for _, expr in statement.op.fields_of("expression"):
            for name in sorted(names_in(expr) - known):
                span = statement.origins[0].place
                assert span is not None
                yield errors.size_of_nothing(span, name)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """In the order of their places, without repetitions: copies say the same again."""
    seen: dict[tuple[str, str, str, int], Diagnostic] = {}
    for diagnostic in found:
        file = diagnostic.span.source.name if diagnostic.span else ""
        start = diagnostic.span.start if diagnostic.span else -1
        seen.setdefault((diagnostic.code, diagnostic.message, file, start), diagnostic)
    return sorted(seen.values(), key=lambda d: d.span.start if d.span else -1)
