"""The rules that every graph keeps, checked between all passes."""

from __future__ import annotations

from attn_dsl.expr import INDICES, SCORE, names_in
from attn_dsl.ir.graph import Graph


class InvalidGraph(AssertionError):
    """A pass broke the graph: a fault in attn, never in a diagram."""


def verify(graph: Graph) -> Graph:
    """Return `graph` if every value is defined once, before use, with the type of its op.

    Expressions mention indices and sizes of inputs only, whose names are no value's.
    """
    defined: set[str] = set()
    scalars = {*INDICES, SCORE.id, *graph.symbols}
    for statement in graph.statements:
        if statement.name in defined:
            raise InvalidGraph(f"%{statement.name} is defined twice")
        if statement.name in scalars:
            raise InvalidGraph(f"%{statement.name} has the name of a size or an index")
        for operand in statement.op.operands:
            if operand not in defined:
                raise InvalidGraph(f"%{statement.name} uses %{operand} before it is defined")
        for _, expr in statement.op.fields_of("expression"):
            if unknown := sorted(names_in(expr) - scalars):
                raise InvalidGraph(f"%{statement.name} mentions {unknown[0]}, which is no size")
        try:
            inferred = statement.op.infer(graph.types)
        except ValueError as error:
            raise InvalidGraph(f"%{statement.name}: {error}") from error
        if inferred != statement.type:
            raise InvalidGraph(f"%{statement.name} is {statement.type}, its op gives {inferred}")
        defined.add(statement.name)
    for label, value in graph.outputs:
        if value not in defined:
            raise InvalidGraph(f"output {label} is %{value}, which is not defined")
    return graph
