"""The arguments and results of a graph, as a user knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attn_dsl.arrays import dtype_name
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import Input


@dataclass(frozen=True)
class Argument:
    """An input by name: its type, and whether it may be left out, or is a weight.

    An optional mask has two types, for its boolean and its floating-point form. A `parameter`
    is a weight that belongs to an operation, and is called by its path.
    """

    name: str
    type: str
    dtypes: tuple[str, ...]
    optional: bool
    weight: bool
    parameter: bool

    @property
    def note(self) -> str:
        """`(optional)`, `(weight)`, or nothing."""
        return " (optional)" if self.optional else " (weight)" if self.weight else ""


def arguments(graph: Graph) -> list[Argument]:
    """The inputs of `graph` in order, those of one name as one."""
    by_name: dict[str, list[Statement]] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        by_name.setdefault(statement.op.name, []).append(statement)
    return [_argument(name, statements) for name, statements in by_name.items()]


def check_dtype(argument: Argument, array: Any) -> None:
    """TypeError if `array` has another dtype than the argument takes."""
    if (given := dtype_name(array)) not in argument.dtypes:
        wanted = " or ".join(argument.dtypes)
        raise TypeError(f"input {argument.name!r} is {given}, and has to be {wanted}")


def _argument(name: str, forms: list[Statement]) -> Argument:
    op, last = forms[0].op, forms[-1].type
    assert isinstance(op, Input)
    others = "".join(f"{form.type.dtype.value} or " for form in forms[:-1])
    dtypes = tuple(form.type.dtype.numpy for form in forms)
    optional = op.optional and not op.required
    weight = op.parameter or op.role == "weight"
    return Argument(name, f"{others}{last}", dtypes, optional, weight, op.parameter)


def results(graph: Graph) -> dict[str, str]:
    """The type of every output by its name."""
    return {label: str(graph.types[value]) for label, value in graph.outputs}
