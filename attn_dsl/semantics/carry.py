"""What one copy of a repeated subgraph hands to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.repeat import Repeat
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.stacks import member_type
from attn_dsl.semantics.values import Value

Values = Mapping[str, Value]


@dataclass(frozen=True)
class Port:
    """A value that crosses the border of a subgraph: a node's, or one output of a module."""

    node: str
    output: str = ""

    def __str__(self) -> str:
        return f"{self.node}.{self.output}" if self.output else self.node


@dataclass(frozen=True)
class Carry:
    """The value that enters a copy, and the one that enters the next in its place."""

    enters: Port
    leaves: Port


def at(values: Values, port: Port) -> Value:
    """The value at a port."""
    value = values.get(port.node, Value())
    return value.outputs.get(port.output, Value()) if port.output else value


def enter(outside: Values, inside: Values, pairs: Sequence[Carry]) -> dict[str, Value]:
    """The values that the next copy sees: those outside, and what the one before hands on.

    What is handed on stands for what enters: it has its role, and the names it is called by.
    """
    entering = dict(outside)
    for pair in pairs:
        before, after = at(outside, pair.enters), at(inside, pair.leaves)
        value = replace(before, name=after.name, pending=after.pending)
        if pair.enters.output:
            whole = entering[pair.enters.node]
            value = replace(whole, outputs={**whole.outputs, pair.enters.output: value})
        entering[pair.enters.node] = value
    return entering


def carried(
    builder: Builder, scope: Scope, repeat: Repeat, members: Sequence[str], values: Values
) -> list[Carry]:
    """What the metadata says, or the one value that leaves with the type of one that enters.

    Nothing once it was reported why.
    """
    if any(values.get(id, Value()).failed for id in members):
        return []  # reported where it went wrong
    subgraph = repeat.subgraph
    entering = _entering(scope, members)
    if "carry" in subgraph.data.values:
        return _said(builder, repeat, entering, _ports(members, values), values)
    pairs = list(_pairs(builder, entering, _leaving(scope, members, values), values))
    if len(pairs) == 1:
        return pairs
    shown = [f"{pair.enters} -> {pair.leaves}" for pair in pairs]
    inside = [id for id in members if not scope.drawing[id].operands]
    nothing_enters = "" if entering or not inside else inside[0]
    error = errors.no_carry(subgraph.title.span, subgraph.id, shown, nothing_enters)
    builder.found.append(error)
    return []


def _said(
    builder: Builder,
    repeat: Repeat,
    entering: Sequence[Port],
    leaving: Sequence[Port],
    values: Values,
) -> list[Carry]:
    """The pairs that `carry: "x -> y"` names, or `"x -> y, u -> v"`."""
    data = repeat.subgraph.data
    enters, leaves = {str(p): p for p in entering}, {str(p): p for p in leaving}
    pairs: list[Carry] = []
    for text in str(data.values["carry"]).split(","):
        first, _, last = (part.strip() for part in text.partition("->"))
        wrong = ""
        if first not in enters:
            wrong = f"no value `{first}` enters this subgraph"
        elif last not in leaves:
            wrong = f"there is no node `{last}` in this subgraph"
        elif any(pair.enters == enters[first] for pair in pairs):
            wrong = f"`{first}` is named twice"
        else:
            wrong = _differ(builder, values, enters[first], leaves[last])
        if wrong:
            builder.found.append(errors.carry_unknown(data.spans["carry"], wrong))
            return []
        pairs.append(Carry(enters[first], leaves[last]))
    return pairs


def _differ(builder: Builder, values: Values, enters: Port, leaves: Port) -> str:
    """Why the value that leaves cannot enter the next copy; empty if it can."""
    before, after = at(values, enters), at(values, leaves)
    if not before.name or not after.name or _fits(builder, before, after):
        return ""
    types = f"{_type(builder, before)} and `{leaves}` {_type(builder, after)}"
    return f"`{enters}` is {types}, so it cannot enter the next copy"


def _entering(scope: Scope, members: Sequence[str]) -> list[Port]:
    """The values outside that nodes inside use, each once."""
    inside = set(members)
    operands = (o for id in members for o in scope.drawing[id].operands)
    return list(dict.fromkeys(Port(o.source, o.output) for o in operands if o.source not in inside))


def _ports(ids: Sequence[str], values: Values) -> list[Port]:
    """Every value that the nodes `ids` give."""
    return [Port(id, output) for id in ids for output in _outputs(values, id)]


def _outputs(values: Values, id: str) -> Sequence[str]:
    return list(values.get(id, Value()).outputs) or [""]


def _leaving(scope: Scope, members: Sequence[str], values: Values) -> list[Port]:
    """The values inside that nodes outside use, or nobody does."""
    inside, drawing = set(members), scope.drawing
    used = {o.source for drawn in drawing.values() for o in drawn.operands}
    outside = {
        Port(o.source, o.output) for id in drawing if id not in inside for o in drawing[id].operands
    }
    return [p for p in _ports(members, values) if p in outside or p.node not in used]


def _pairs(
    builder: Builder, entering: Sequence[Port], leaving: Sequence[Port], values: Values
) -> Iterator[Carry]:
    for enters in entering:
        for leaves in leaving:
            if _fits(builder, at(values, enters), at(values, leaves)):
                yield Carry(enters, leaves)


def _fits(builder: Builder, before: Value, after: Value) -> bool:
    """Whether a value can take the place of another: of its type, or of as many numbers."""
    if before.name is None or after.name is None:
        return False
    numbers = [value.family for value in (before, after) if value.family and not value.family.rank]
    agree = not numbers or before.family == after.family
    return agree and builder.type_of(before.name) == builder.type_of(after.name)


def _type(builder: Builder, value: Value) -> str:
    each = f", one for each of {value.family.size}" if value.family else ""
    return f"{member_type(builder, value)}{each}"
