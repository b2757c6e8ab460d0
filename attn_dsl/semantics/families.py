"""Families: nodes 1, 2, …, N that differ in their index alone become one node with an axis.

Members are found by their ids and labels, and kept if their operations and arrows agree up to
the index and none of them reaches another. With a letter as the last index the size is that
symbol, and the drawn members are samples of it; with numbers only it is written out in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from attn_dsl.ir.ops import MatMul
from attn_dsl.semantics.alike import Members, gap, groups, reach_each_other, shapes
from attn_dsl.semantics.drawing import Drawn, Family, Operand


def collapse_families(drawing: Mapping[str, Drawn]) -> dict[str, Drawn]:
    """The drawing with each family as one node, called by what its members' ids begin with."""
    families = _agreeing(drawing, dict(_candidates(drawing)))
    if not families:
        return dict(drawing)
    stem_of = {id: stem for stem, members in families.items() for id in members.values()}
    collapsed: dict[str, Drawn] = {}
    for id, drawn in drawing.items():
        stem = stem_of.get(id, id)
        if stem in collapsed:
            continue
        operands = _operands(drawn, stem_of)
        if id in stem_of:
            family = Family(stem, _size(families[stem]))
            node = replace(drawn.node, id=stem)
            places = dict.fromkeys(drawing[other].place for other in families[stem].values())
            twins = tuple(place for place in places if place != drawn.place)
            drawn = replace(drawn, node=node, family=family, twins=twins)
        collapsed[stem] = replace(drawn, operands=operands)
    return dict(_with_vectors(collapsed))


def _candidates(drawing: Mapping[str, Drawn]) -> Iterator[tuple[str, Members]]:
    """Nodes whose ids differ in the last index alone: 1, 2, … and perhaps a letter at the end."""
    for stem, members in groups(drawing).items():
        if not gap(members) and stem not in drawing:
            yield stem, members


def _agreeing(drawing: Mapping[str, Drawn], families: dict[str, Members]) -> dict[str, Members]:
    """Those whose members are alike; a family that falls may take others with it."""
    while True:
        found = shapes(drawing, families)
        alike = {
            stem: members
            for stem, members in families.items()
            if len(set(found[stem].values())) == 1
            and not reach_each_other(drawing, set(members.values()))
        }
        if len(alike) == len(families):
            return families
        families = alike


def _operands(drawn: Drawn, stem_of: Mapping[str, str]) -> tuple[Operand, ...]:
    """One operand for all members of a family."""
    merged: dict[tuple[str, str, object], Operand] = {}
    for operand in drawn.operands:
        source = stem_of.get(operand.source, operand.source)
        what = operand.change if operand.source in stem_of else operand.edge.span
        key = (source, operand.output, what)
        merged.setdefault(key, replace(operand, source=source))
    return tuple(merged.values())


def _size(members: Members) -> str | int:
    last = list(members)[-1]
    return last if not last.isdigit() else len(members)


def _with_vectors(drawing: dict[str, Drawn]) -> Iterator[tuple[str, Drawn]]:
    """A value from outside that meets each member in a product is a vector, as they are."""
    vectors = {
        o.source
        for d in drawing.values()
        if d.family is not None and d.meaning.op is MatMul
        for o in d.operands
    }
    for id, drawn in drawing.items():
        single = id in vectors and drawn.family is None and not drawn.operands
        yield id, replace(drawn, vector=single)
