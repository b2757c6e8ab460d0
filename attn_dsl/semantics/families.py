"""Families: nodes 1, 2, …, N that differ in their index alone become one node with an axis.

Members are found by their ids and labels, and kept if their operations and arrows agree up to
the index and none of them reaches another. With a letter as the last index the size is that
symbol, and the drawn members are samples of it; with numbers only it is written out in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from attn_dsl.ir.ops import MatMul
from attn_dsl.semantics.drawing import Drawn, Family, Operand

_ID = re.compile(r"(?P<stem>\w*?[^\W\d_])_?(?P<index>\d+|[A-Z])")
Members = dict[str, str]
"""Node ids by index."""


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
    groups: dict[str, Members] = {}
    for id in drawing:
        if match := _ID.fullmatch(id):
            groups.setdefault(match["stem"], {})[match["index"]] = id
    for stem, members in groups.items():
        numbers = [int(index) for index in members if index.isdigit()]
        letters = [index for index in members if not index.isdigit()]
        counted = numbers == list(range(1, len(numbers) + 1)) and numbers
        lettered = not letters or letters == list(members)[-1:]
        if counted and lettered and len(members) > 1 and stem not in drawing:
            yield stem, members


def _agreeing(drawing: Mapping[str, Drawn], families: dict[str, Members]) -> dict[str, Members]:
    """Those whose members are alike; a family that falls may take others with it."""
    users: dict[str, list[str]] = {id: [] for id in drawing}
    for id, drawn in drawing.items():
        for operand in drawn.operands:
            users.get(operand.source, []).append(id)
    while True:
        place = {
            id: (stem, index) for stem, members in families.items() for index, id in members.items()
        }
        alike = {
            stem: members
            for stem, members in families.items()
            if len({_shape(drawing, users, place, id, i) for i, id in members.items()}) == 1
            and not _reach_each_other(drawing, set(members.values()))
        }
        if len(alike) == len(families):
            return families
        families = alike


def _shape(
    drawing: Mapping[str, Drawn],
    users: Mapping[str, list[str]],
    place: Mapping[str, tuple[str, str]],
    id: str,
    index: str,
) -> object:
    """What has to be equal between members: label, operation and arrows, up to the index."""

    def end(other: str) -> str:
        stem, at = place.get(other, (other, ""))
        return stem if at in ("", index) else other

    drawn = drawing[id]
    label = re.sub(rf"(?<![^\W\d_]){index}\b|{index}$", "#", drawn.node.label.text)
    label = re.sub(r"\s+", " ", label.replace(id, "#"))
    operands = tuple((end(o.source), o.change) for o in drawn.operands)
    return label, drawn.meaning.op, drawn.meaning.module, operands, tuple(map(end, users[id]))


def _reach_each_other(drawing: Mapping[str, Drawn], members: set[str]) -> bool:
    stack = [o.source for id in members for o in drawing[id].operands]
    seen: set[str] = set()
    while stack:
        id = stack.pop()
        if id in members:
            return True
        if id not in seen and id in drawing:
            seen.add(id)
            stack += [o.source for o in drawing[id].operands]
    return False


def _operands(drawn: Drawn, stem_of: Mapping[str, str]) -> tuple[Operand, ...]:
    """One operand for all members of a family."""
    merged: dict[tuple[str, object], Operand] = {}
    for operand in drawn.operands:
        source = stem_of.get(operand.source, operand.source)
        key = (source, operand.change if operand.source in stem_of else operand.edge.span)
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
