"""How values are used: by which nodes, and what happens to them on the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attn_dsl.expr import names_in, tensors_in
from attn_dsl.ir.ops import Divide, MatMul, Subtract
from attn_dsl.semantics.drawing import Drawn, Operand
from attn_dsl.semantics.keys import MERMAID
from attn_dsl.semantics.labels import Meaning
from attn_dsl.semantics.numbering import stem_and_index

_TWO_SIDES = (MatMul, Subtract, Divide)
_NO_MEANING = MERMAID | {"op", "type", "axis", "role"}
"""Keys of metadata that are not compared: those of looks, and what a meaning has already."""

Drawing = Mapping[str, Drawn]


def change_of(operand: Operand) -> object:
    """Which output of a module it is, and what happens to it on its way."""
    change = replace(operand.change, calls=())
    return operand.output, change, said_in(operand.edge.data.values)


def said_in(metadata: Mapping[str, object]) -> str:
    """What metadata means, without looks, to be compared."""
    said = {key: value for key, value in metadata.items() if key not in _NO_MEANING}
    return repr(sorted(said.items()))


@dataclass(frozen=True)
class Use:
    """A node that a value flows into, what happens on the way, and what it is there.

    `side` tells the two sides of a product apart, where both are members of one family, and
    `name` is what an expression of the node calls the value.
    """

    user: str
    change: object
    side: int = 0
    name: str = ""


Users = Mapping[str, Sequence[Use]]


def users_of(drawing: Drawing) -> Users:
    """Who uses each node, and how."""
    users: dict[str, list[Use]] = {id: [] for id in drawing}
    for id, drawn in drawing.items():
        named = _named(drawn.meaning)
        sides = _has_sides(drawn)
        for side, operand in enumerate(drawn.operands):
            source = drawing.get(operand.source)
            if source is not None:
                name = next((n for n in (source.name, operand.source) if n in named), "")
                use = Use(id, change_of(operand), side if sides else 0, name)
                users[operand.source].append(use)
    return users


def _named(meaning: Meaning) -> set[str]:
    """The names in a node's expression."""
    said = [expr for expr in (meaning.expr, meaning.equation) if expr is not None]
    names = {name for expr in said for name in (*names_in(expr), *tensors_in(expr))}
    return names | {name.removesuffix("ᵀ") for name in names}


def _has_sides(drawn: Drawn) -> bool:
    """Whether two of one family flow in, where one is the left side and the other the right."""
    if drawn.meaning.op not in _TWO_SIDES or len(drawn.operands) != 2:
        return False
    (stem, first), (other, second) = (stem_and_index(o.source) for o in drawn.operands)
    return stem == other != "" and first.isdigit() and second.isdigit() and first != second
