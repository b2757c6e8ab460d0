"""Diagram to graph: every node in the order of its use, all errors in one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Severity, worst
from attn_dsl.expr import INDICES, SCORE, names_in
from attn_dsl.ir import Dim, Graph, TensorType
from attn_dsl.ir.ops import Mask, Transpose
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder, Value
from attn_dsl.semantics.drawing import Drawn, Operand, read_drawing
from attn_dsl.semantics.operations import build
from attn_dsl.semantics.order import use_order
from attn_dsl.semantics.settings import Settings
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.syntax import Diagram

DEFAULT_DIMS = {"query": ("Lq", "D"), "key": ("Lk", "D"), "value": ("Lk", "Dv")}
"""The dims of an undeclared query, key and value, after any batch dims."""


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
    drawing = read_drawing(diagram, found)
    order = use_order(drawing, found)
    builder = Builder(settings, _symbols(drawing), found=found)
    values: dict[str, Value] = {}
    for id in order:
        value = _value(builder, drawing[id], values)
        known_as = (*value.known_as, drawing[id].name, id)
        values[id] = replace(value, known_as=tuple(dict.fromkeys(known_as)))
    outputs = _outputs(drawing, values, found)
    if not outputs and worst(found) < Severity.ERROR:
        found.append(errors.nothing_to_compute(diagram.source.whole))
    if worst(found) < Severity.ERROR:
        graph = Graph.ordered(name, builder.statements.values(), outputs)
        found += _sizeless(graph)
    if worst(found) is Severity.ERROR:
        raise DiagnosticError([*diagram.warnings, *_once(found)])
    return Elaborated(graph, (*diagram.warnings, *_once(found)))


def _outputs(
    drawing: Mapping[str, Drawn], values: Mapping[str, Value], found: list[Diagnostic]
) -> list[tuple[str, str]]:
    """The nodes that nobody uses, with the value that each gives."""
    used = {operand.source for drawn in drawing.values() for operand in drawn.operands}
    outputs = []
    for id, drawn in drawing.items():
        value = values.get(id, Value()).name
        if id not in used and not drawn.operands:
            found.append(errors.unused(drawn.node))
        elif id not in used and value is not None:
            outputs.append((drawn.name, value))
    return outputs


def _sizeless(graph: Graph) -> Iterator[Diagnostic]:
    """Sizes in expressions that no input tells, as the input that had them is not used."""
    known = {*graph.symbols, *INDICES, SCORE.id}
    for statement in graph.statements:
        for _, expr in statement.op.fields_of("expression"):
            for name in sorted(names_in(expr) - known):
                span = statement.origins[0].span
                assert span is not None
                yield errors.unknown_name(span, name, sorted(graph.symbols))


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """Without repetitions: `A & B --> C` has one label on two edges."""
    seen: dict[tuple[str, str, int], Diagnostic] = {}
    for diagnostic in found:
        start = diagnostic.span.start if diagnostic.span else -1
        seen.setdefault((diagnostic.code, diagnostic.message, start), diagnostic)
    return sorted(seen.values(), key=lambda d: d.span.start if d.span else -1)


def _symbols(drawing: Mapping[str, Drawn]) -> frozenset[str]:
    """All sizes that the drawing declares, those of undeclared queries, keys and values too."""
    symbols: set[str] = set()
    for drawn in drawing.values():
        if drawn.meaning.type is not None:
            symbols.update(drawn.meaning.type.symbols)
        elif not drawn.operands:
            symbols.update(DEFAULT_DIMS.get(drawn.meaning.role, ()))
    return frozenset(symbols)


def _value(builder: Builder, drawn: Drawn, values: Mapping[str, Value]) -> Value:
    """What one node gives, once its operands are there."""
    if not drawn.operands:
        return _input(builder, drawn)
    if drawn.meaning.op is None and len(drawn.operands) > 1 and not drawn.meaning.broken:
        edges = [operand.edge for operand in drawn.operands]
        builder.found.append(errors.no_operation(drawn.node, edges))
        return Value()
    arguments = [_argument(builder, drawn, operand, values) for operand in drawn.operands]
    if any(argument.value.failed for argument in arguments):
        return Value()  # reported where it went wrong
    if drawn.meaning.broken:
        return arguments[0].value  # reported; go on with it, to find what else is wrong
    if drawn.meaning.op is not None:
        site = Site(drawn.node.id, drawn.meaning, drawn.place, drawn.label)
        value = Value(build(builder, site, arguments), drawn.meaning.role)
    else:
        value = arguments[0].value
    return _declared(builder, drawn, value)


def _declared(builder: Builder, drawn: Drawn, value: Value) -> Value:
    """Hold a declared type against the inferred one."""
    declared = drawn.meaning.type
    if declared is None or value.name is None or builder.type_of(value.name) == declared:
        return value
    inferred = str(builder.type_of(value.name))
    builder.found.append(errors.wrong_declaration(drawn.node, str(declared), inferred))
    return Value()


def _input(builder: Builder, drawn: Drawn) -> Value:
    """A node without arrows in: its type is declared, or its role's, or its use's."""
    meaning = drawn.meaning
    if meaning.broken:
        return Value()
    if meaning.op is not None and meaning.op is not Mask:
        error = errors.operand_count(drawn.place, drawn.node.label.text, "operands", 0)
        builder.found.append(error)
        return Value()
    role = "mask" if meaning.op is Mask else meaning.role
    type_ = meaning.type
    if type_ is None and role in DEFAULT_DIMS:
        dims = tuple(Dim.of(symbol) for symbol in DEFAULT_DIMS[role])
        type_ = TensorType(builder.settings.dtype, dims, batch=True)
    if type_ is None:
        return Value(role=role, pending=drawn)
    name = builder.add_input(drawn, type_, role)
    return Value(name, role) if name is not None else Value()


def _argument(
    builder: Builder, drawn: Drawn, operand: Operand, values: Mapping[str, Value]
) -> Argument:
    """The value at the head of an arrow: what its label says is done on the way."""
    value = values.get(operand.source, Value())
    change, place = operand.change, operand.edge.span
    if change.op is not None and not value.failed:
        label = operand.edge.label
        assert label is not None
        wish = f"{operand.source}_T" if change.op is Transpose else f"{drawn.node.id}_{value.name}"
        site = Site(wish, change, label.span, label, on_edge=True)
        name = build(builder, site, [Argument(value, place)])
        value = Value(name)
    elif change.role in (*DEFAULT_DIMS, "mask"):
        value = replace(value, role=change.role)
    return Argument(value, place, change.role if change.role in ("lhs", "rhs") else "")
