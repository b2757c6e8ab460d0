"""Repeated subgraphs: how often, and what one copy hands to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import MAX_COPIES, Builder
from attn_dsl.semantics.enough import until_enough
from attn_dsl.semantics.lookup import setting
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Subgraph

_TITLE = re.compile(
    r"\b[Rr]epeated\s+(?P<a>\w+)\s+times\b"
    r"|(?<![\w×])(?<!\d )[×x]\s*(?P<b>\d+|[A-Z])\s*\)?\s*$"
    r"|(?<![\w×])(?P<c>\d+|[A-Z])\s*[×x]\s*\)?\s*$"
)
"""`Block (repeated N times)`, `Block × 6`, `Block (6x)`; `3x3` and `3 × 3` are no counts."""


@dataclass(frozen=True)
class Repeat:
    """A subgraph, and how many copies of it there are."""

    subgraph: Subgraph
    count: int


@dataclass(frozen=True)
class Carry:
    """The node whose value enters a copy, and the node whose value enters the next one."""

    enters: str
    leaves: str


def read_repeats(builder: Builder, scope: Scope) -> dict[str, Repeat]:
    """The repeated subgraphs of a scope; a count that is not known is an error."""
    repeats = {}
    for subgraph in until_enough(scope.diagram.subgraphs, builder.found):
        count = subgraph.data.values.get("repeat")
        if count is None and (match := _TITLE.search(subgraph.title.text)):
            count = next(filter(None, match.groups()))
        if count is None:
            continue
        known = _count(builder, scope, subgraph, str(count))
        if known is not None:
            repeats[subgraph.id] = Repeat(subgraph, known)
    return repeats


def _count(builder: Builder, scope: Scope, subgraph: Subgraph, text: str) -> int | None:
    place = subgraph.data.spans.get("repeat", subgraph.title.span)
    number = int(text) if text.isdecimal() and len(text) < 10 else None
    if text.isidentifier() and text not in ("True", "False"):
        said = scope.parameters[text].constant if text in scope.parameters else None
        number = setting(builder, text, (*scope.shared, *scope.within(subgraph)), said)
        if number is None:
            builder.found.append(errors.no_count(place, text, subgraph.id))
            return None
        text = f"{text} = {number}"
    if number is None or not 0 < number <= MAX_COPIES:
        builder.found.append(errors.bad_count(place, text, MAX_COPIES))
        return None
    return number


def carried(
    builder: Builder, scope: Scope, repeat: Repeat, members: Sequence[str], values: dict[str, Value]
) -> Carry | None:
    """What the metadata says, or the one value that leaves with the type of one that enters."""
    if any(values.get(id, Value()).failed for id in members):
        return None  # reported where it went wrong
    subgraph = repeat.subgraph
    if "carry" in subgraph.data.values:
        return _said(builder, scope, repeat, members, values)
    pairs = list(_pairs(builder, scope, members, values))
    if len(pairs) == 1:
        return pairs[0]
    shown = [f"{pair.enters} -> {pair.leaves}" for pair in pairs]
    inside = [id for id in members if not scope.drawing[id].operands]
    nothing_enters = "" if _entering(scope, members) or not inside else inside[0]
    error = errors.no_carry(subgraph.title.span, subgraph.id, shown, nothing_enters)
    builder.found.append(error)
    return None


def _said(
    builder: Builder, scope: Scope, repeat: Repeat, members: Sequence[str], values: dict[str, Value]
) -> Carry | None:
    """The pair that `carry: "x -> y"` names."""
    data = repeat.subgraph.data
    enters, _, leaves = (part.strip() for part in str(data.values["carry"]).partition("->"))
    wrong = ""
    if enters not in _entering(scope, members):
        wrong = f"no value `{enters}` enters this subgraph"
    elif leaves not in members:
        wrong = f"there is no node `{leaves}` in this subgraph"
    else:
        before, after = values[enters].name, values[leaves].name
        if before and after and builder.type_of(before) != builder.type_of(after):
            types = f"{builder.type_of(before)} and `{leaves}` {builder.type_of(after)}"
            wrong = f"`{enters}` is {types}, so it cannot enter the next copy"
    if wrong:
        builder.found.append(errors.carry_unknown(data.spans["carry"], wrong))
        return None
    return Carry(enters, leaves)


def _entering(scope: Scope, members: Sequence[str]) -> list[str]:
    """The nodes outside that those inside use, each once."""
    inside = set(members)
    sources = (o.source for id in members for o in scope.drawing[id].operands)
    return list(dict.fromkeys(source for source in sources if source not in inside))


def _pairs(
    builder: Builder, scope: Scope, members: Sequence[str], values: dict[str, Value]
) -> Iterator[Carry]:
    inside = set(members)
    drawing = scope.drawing
    used_outside = {
        o.source for id in drawing if id not in inside for o in drawing[id].operands
    } & inside
    used = {o.source for drawn in drawing.values() for o in drawn.operands}
    leaving = [id for id in members if id in used_outside or id not in used]
    for enters in _entering(scope, members):
        for leaves in leaving:
            before, after = values.get(enters, Value()).name, values.get(leaves, Value()).name
            if before and after and builder.type_of(before) == builder.type_of(after):
                yield Carry(enters, leaves)
