"""Repeated subgraphs: which, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import MAX_COPIES, Builder
from attn_dsl.semantics.enough import until_enough
from attn_dsl.semantics.lookup import count
from attn_dsl.semantics.repetition import said_count
from attn_dsl.semantics.scope import Scope
from attn_dsl.syntax import Subgraph


@dataclass(frozen=True)
class Repeat:
    """A subgraph, and how many copies of it there are."""

    subgraph: Subgraph
    count: int


def read_repeats(builder: Builder, scope: Scope) -> dict[str, Repeat]:
    """The repeated subgraphs of a scope; a count that is not known is an error."""
    repeats = {}
    for subgraph in until_enough(scope.diagram.subgraphs, builder.found):
        said = said_count(subgraph)
        if said is None:
            continue
        known = _count(builder, scope, subgraph, said)
        if known is not None:
            repeats[subgraph.id] = Repeat(subgraph, known)
    return repeats


def _count(builder: Builder, scope: Scope, subgraph: Subgraph, text: str) -> int | None:
    place = subgraph.data.spans.get("repeat", subgraph.title.span)
    number = int(text) if text.isdecimal() and len(text) < 10 else None
    if text.isidentifier() and text not in ("True", "False"):
        given = count(builder, scope, scope.within(subgraph), text)
        if given is None:
            is_size = text in builder.declared
            builder.found.append(errors.no_count(place, text, subgraph.id, is_size=is_size))
            return None
        number = given if isinstance(given, int) else None
        text = f"{text} = {given}"
    if number is None or not 0 < number <= MAX_COPIES:
        builder.found.append(errors.bad_count(place, text, MAX_COPIES))
        return None
    return number
