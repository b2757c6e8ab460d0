"""Families: nodes 1, 2, …, N that differ in their index alone become one node with an axis.

Members are found by their ids and labels, and kept if their operations and arrows agree up to
the index. So none of them reaches another: what they get is either the same, or that of members
that pair with them. With a letter as the last index the size is that
symbol, and the drawn members are samples of it; with numbers only it is written out in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from attn_dsl.semantics.alike import Row, shapes
from attn_dsl.semantics.drawing import Drawn, Family, Operand
from attn_dsl.semantics.family_kinds import with_kinds
from attn_dsl.semantics.frames import common_frame
from attn_dsl.semantics.label_index import stem_of
from attn_dsl.semantics.numbering import Members, gap, groups
from attn_dsl.semantics.uses import Users, change_of, users_of
from attn_dsl.semantics.vocabulary import find_role


def collapse_families(drawing: Mapping[str, Drawn]) -> dict[str, Drawn]:
    """The drawing with each family as one node, called by what its members' ids begin with."""
    families = find_families(drawing)
    if not families:
        return dict(drawing)
    row = Row(families)
    collapsed: dict[str, Drawn] = {}
    for id, drawn in drawing.items():
        place = row.place.get(id)
        if place is None:
            collapsed[id] = replace(drawn, operands=tuple(_operands(drawn, row, "")))
        elif place.stem not in collapsed:
            members = [drawing[other] for other in families[place.stem].values()]
            collapsed[place.stem] = _one_for_all(place.stem, members, row)
    return with_kinds(collapsed)


def find_families(drawing: Mapping[str, Drawn]) -> dict[str, Members]:
    """The members of each family, by what their ids begin with."""
    return _agreeing(drawing, dict(_candidates(drawing)))


def _candidates(drawing: Mapping[str, Drawn]) -> Iterator[tuple[str, Members]]:
    """Nodes whose ids differ in the last index alone: 1, 2, … and perhaps a letter at the end."""
    for stem, members in groups(drawing).items():
        if not gap(members) and stem not in drawing:
            yield stem, members


def _agreeing(drawing: Mapping[str, Drawn], families: dict[str, Members]) -> dict[str, Members]:
    """Those whose members are alike; a family that falls may take others with it.

    All that are not alike fall at once, so that it does not matter which one comes first.
    """
    row, users = Row(families), users_of(drawing)
    waiting = dict.fromkeys(families)
    while waiting:
        found = {stem: set(shapes(drawing, users, row, stem).values()) for stem in waiting}
        fallen = [stem for stem, different in found.items() if len(different) > 1]
        near = [id for stem in fallen for id in _neighbours(drawing, users, row.members[stem])]
        for stem in fallen:
            row.drop(stem)
        waiting = dict.fromkeys(row.place[id].stem for id in near if id in row.place)
    return row.members


def _neighbours(drawing: Mapping[str, Drawn], users: Users, members: Members) -> Iterator[str]:
    """The nodes at the other ends of the arrows of some."""
    for id in members.values():
        yield from (operand.source for operand in drawing[id].operands)
        yield from (use.user for use in users[id])


def _one_for_all(stem: str, members: Sequence[Drawn], row: Row) -> Drawn:
    """The first member, under the name that all have in common."""
    drawn = members[0]
    index, meaning = row.place[drawn.node.id].index, drawn.meaning
    name = stem_of(meaning.name, index) if meaning.name else None
    role = meaning.role
    if drawn.node.label.text == drawn.node.id:
        role = role or find_role(stem)  # `K1` without a label is a key
    places = dict.fromkeys(member.place for member in members)
    frame = common_frame([member.frame for member in members])
    return replace(
        drawn,
        node=replace(drawn.node, id=stem, subgraph=frame.id if frame else None),
        frame=frame,
        meaning=replace(meaning, name=name, role=role),
        operands=tuple(_operands(drawn, row, index)),
        family=Family(stem, _size(row.members[stem]), (drawn.node.id, drawn.name)),
        twins=tuple(place for place in places if place != drawn.place),
    )


def _operands(drawn: Drawn, row: Row, index: str) -> Iterator[Operand]:
    """One operand for all members of a family; `index` is that of the node itself, if it has one.

    An arrow from each member is one operand. Where there are two from each, they are two.
    """
    wholes = row.wholes([(o.source, change_of(o)) for o in drawn.operands])
    met: Counter[tuple[str, object]] = Counter()
    merged: dict[object, list[tuple[int, Operand]]] = {}
    for position, operand in enumerate(drawn.operands):
        change, place = change_of(operand), row.place.get(operand.source)
        key: object = position
        if place is not None and not (
            index and place.index == index and (place.stem, change) not in wholes
        ):
            met[operand.source, change] += 1
            key = place.stem, change, met[operand.source, change]
        merged.setdefault(key, []).append((position, operand))
    for found in merged.values():
        yield _merged([o for _, o in found], [at for at, _ in found], row, paired=bool(index))


def _merged(
    operands: Sequence[Operand], positions: Sequence[int], row: Row, paired: bool
) -> Operand:
    """One operand for those from all members of a family, which stand at `positions`."""
    first = operands[0]
    place = row.place.get(first.source)
    if place is None:
        return first
    if len(operands) == 1:
        return replace(first, source=place.stem)
    in_order = [o.source for o in operands] == list(row.members[place.stem].values())
    as_row = list(positions) == list(range(positions[0], positions[0] + len(positions)))
    scattered = not (in_order and as_row)
    return replace(first, source=place.stem, whole=paired, scattered=scattered)


def _size(members: Members) -> str | int:
    last = list(members)[-1]
    return last if not last.isdigit() else len(members)
