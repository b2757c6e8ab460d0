"""Repeated subgraphs: how often, and what one copy hands to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.lookup import setting
from attn_dsl.semantics.scope import Scope
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Subgraph

MAX_COUNT = 10_000
_TITLE = re.compile(
    r"repeated\s+(?P<a>\w+)\s+times|[×x]\s*(?P<b>\d+|[A-Z])\s*\)?\s*$|\b(?P<c>\d+|[A-Z])\s*[×x]\s*$"
)


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
    for subgraph in scope.diagram.subgraphs:
        count = subgraph.data.values.get("repeat")
        if count is None and (match := _TITLE.search(subgraph.title.text)):
            count = next(filter(None, match.groups()))
        if count is None:
            continue
        known = _count(builder, subgraph, str(count))
        if known is not None:
            repeats[subgraph.id] = Repeat(subgraph, known)
    return repeats


def _count(builder: Builder, subgraph: Subgraph, text: str) -> int | None:
    place = subgraph.data.spans.get("repeat", subgraph.title.span)
    number = int(text) if text.isdecimal() and len(text) < 10 else None
    if number is None and not text.isdecimal():
        number = setting(builder, text, (subgraph.id,))
        if number is None:
            builder.found.append(errors.no_count(place, text, subgraph.id))
            return None
    if number is None or not 0 < number <= MAX_COUNT:
        builder.found.append(errors.bad_count(place, text, MAX_COUNT))
        return None
    return number


def carried(
    builder: Builder, scope: Scope, repeat: Repeat, members: Sequence[str], values: dict[str, Value]
) -> Carry | None:
    """What the metadata says, or the one value that leaves with the type of one that enters."""
    said = repeat.subgraph.data.values.get("carry")
    if said is not None:
        enters, _, leaves = (part.strip() for part in str(said).partition("->"))
        pairs = [Carry(enters, leaves)] if enters in scope.drawing and leaves in members else []
    else:
        pairs = list(_pairs(builder, scope, members, values))
    if len(pairs) == 1:
        return pairs[0]
    if not any(values.get(id, Value()).failed for id in members):
        shown = [f"{pair.enters} -> {pair.leaves}" for pair in pairs]
        builder.found.append(errors.no_carry(repeat.subgraph.title.span, shown))
    return None


def _pairs(
    builder: Builder, scope: Scope, members: Sequence[str], values: dict[str, Value]
) -> Iterator[Carry]:
    inside = set(members)
    drawing = scope.drawing
    entering = [o.source for id in members for o in drawing[id].operands if o.source not in inside]
    used_outside = {
        o.source for id in drawing if id not in inside for o in drawing[id].operands
    } & inside
    used = {o.source for drawn in drawing.values() for o in drawn.operands}
    leaving = [id for id in members if id in used_outside or id not in used]
    for enters in dict.fromkeys(entering):
        for leaves in leaving:
            before, after = values.get(enters, Value()).name, values.get(leaves, Value()).name
            if before and after and builder.type_of(before) == builder.type_of(after):
                yield Carry(enters, leaves)
