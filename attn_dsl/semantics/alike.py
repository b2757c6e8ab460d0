"""What makes nodes 1, 2, … alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attn_dsl.expr import Expr, Name, resolve, substitute
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.frames import around
from attn_dsl.semantics.label_index import label_patterns, stem_of
from attn_dsl.semantics.labels import Meaning
from attn_dsl.semantics.numbering import Members
from attn_dsl.semantics.uses import Drawing, Use, Users, change_of, said_in

Shape = tuple[object, ...]
"""What has to be equal between members, in the order of `DIFFERENCES`."""
DIFFERENCES = (
    "the label of `{}` is another",
    "`{}` does something else",
    "the type of `{}` is another",
    "the metadata of `{}` says something else",
    "what flows into `{}` is not alike",
    "`{}` is used elsewhere",
    "`{}` is repeated otherwise",
)


@dataclass(frozen=True)
class Place:
    """The family that a node belongs to, if it does, and its index there."""

    stem: str
    index: str


class Row:
    """Families as they may be: `place` of each member, and `members` by stem."""

    def __init__(self, families: Mapping[str, Members]) -> None:
        self.members = dict(families)
        self.place = {id: Place(stem, i) for stem, m in families.items() for i, id in m.items()}

    def drop(self, stem: str) -> None:
        """Take a family out."""
        for id in self.members.pop(stem).values():
            del self.place[id]

    def end(self, id: str, index: str) -> str:
        """Another end of an arrow, as the member `index` sees it: its family where they pair."""
        place = self.place.get(id)
        return place.stem if place is not None and place.index == index else id

    def wholes(self, ends: Sequence[tuple[str, object]]) -> set[tuple[str, object]]:
        """The families of which all members are among `ends`, each with what `ends` say of it."""
        met = Counter(ends)
        return {
            (stem, said)
            for stem, said in {(self.place[id].stem, s) for id, s in ends if id in self.place}
            if all(met[id, said] == 1 for id in self.members[stem].values())
        }


def shapes(drawing: Drawing, users: Users, row: Row, stem: str) -> dict[str, Shape]:
    """The shape of each member of the family `stem`, by id."""
    return dict(_shapes(drawing, users, row, row.members[stem]))


def _shapes(
    drawing: Drawing, users: Users, row: Row, members: Members
) -> Iterator[tuple[str, Shape]]:
    texts = {id: (i, _label(drawing[id], i)) for i, id in members.items()}
    labels = label_patterns(texts)
    for index, id in members.items():
        drawn = drawing[id]
        into = [(o.source, change_of(o)) for o in drawn.operands]
        uses = [(use.user, _said_of(use, row, index)) for use in users[id]]
        does, type_ = _meaning(drawing, drawn, row, index)
        frames = tuple(frame.id for frame in around(drawn.frame) if frame.repeated)
        yield (
            id,
            (
                labels[id],
                does,
                type_,
                said_in(drawn.node.data.values),
                _ends(row, into, index),
                frozenset(Counter(_ends(row, uses, index)).items()),
                frames,
            ),
        )


def _said_of(use: Use, row: Row, index: str) -> object:
    """How a member is used; a pair calls each other by their index, which does not count."""
    pair = row.end(use.user, index) != use.user
    return use.change, use.side, "" if pair else use.name


def _label(drawn: Drawn, index: str) -> str:
    """What a label says beside a type or an expression, which is compared as what it means."""
    if drawn.meaning.name is not None:
        return stem_of(drawn.meaning.name, index)
    return "" if drawn.meaning.expr is not None else drawn.node.label.text


def _ends(row: Row, ends: Sequence[tuple[str, object]], index: str) -> tuple[object, ...]:
    """The other ends of arrows, with a family where they pair, or where all of it is there."""
    wholes = row.wholes(ends)
    found: list[object] = []
    for id, said in ends:
        stem = row.place[id].stem if id in row.place else ""
        if (stem, said) not in wholes:
            found.append((row.end(id, index), said))
        elif (stem, said, "all") not in found:
            found.append((stem, said, "all"))
    return tuple(found)


def _meaning(drawing: Drawing, drawn: Drawn, row: Row, index: str) -> tuple[Meaning, object]:
    """What a member does, up to its index, and the type that it declares."""
    names: dict[str, str] = {}
    for operand in drawn.operands:
        if (source := drawing.get(operand.source)) is not None:
            end = row.end(operand.source, index)
            names |= {name: end for name in (source.name, operand.source) if end != operand.source}
    does = replace(
        drawn.meaning,
        name=None,
        type=None,
        calls=(),
        expr=_renamed(drawn.meaning.expr, names),
        equation=_renamed(drawn.meaning.equation, names),
    )
    return does, drawn.meaning.type


def _renamed(expr: Expr | None, names: Mapping[str, str]) -> Expr | None:
    if expr is None or not names:
        return expr
    renamed = {f"{old}{mark}": f"{new}{mark}" for old, new in names.items() for mark in ("", "ᵀ")}
    return resolve(substitute(expr, {old: Name(new) for old, new in renamed.items()}), renamed)
