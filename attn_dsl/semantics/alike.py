"""What makes nodes 1, 2, … alike, and why those that look alike are no family."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.semantics import errors
from attn_dsl.semantics.drawing import Drawn

_ID = re.compile(r"(?P<stem>\w*?[^\W\d_])_?(?P<index>\d+|[A-Z])")
_INDEX = re.compile(r"(?:\d+|[A-Z])(?!\w)")
Members = dict[str, str]
"""Node ids by index."""
Shape = tuple[object, object, object, object, object]
"""What has to be equal between members: label, operation, type, operands, users."""
_DIFFERENCES = (
    "the label of `{}` is another",
    "`{}` does something else",
    "the type of `{}` is another",
    "what flows into `{}` is not alike",
    "`{}` is used elsewhere",
)


def groups(drawing: Mapping[str, Drawn]) -> dict[str, Members]:
    """Several nodes of one stem by index, the numbers in order and letters last."""
    groups: dict[str, Members] = {}
    for id in drawing:
        if match := _ID.fullmatch(id):
            groups.setdefault(match["stem"], {})[match["index"]] = id
    return {
        stem: dict(sorted(members.items(), key=_position))
        for stem, members in groups.items()
        if len(members) > 1
    }


def _position(member: tuple[str, str]) -> tuple[bool, int, str]:
    index = member[0]
    return not index.isdigit(), int(index) if index.isdigit() else 0, index


def gap(members: Members) -> str:
    """Why the indices are no row 1, 2, … or 1, 2, … N; empty if they are one."""
    numbers = [index for index in members if index.isdigit()]
    if not numbers or numbers != [str(i + 1) for i in range(len(numbers))]:
        return "they are not numbered 1, 2, … without a gap"
    return (
        "only one of them, the last, can have a letter" if len(members) > len(numbers) + 1 else ""
    )


def _users(drawing: Mapping[str, Drawn]) -> dict[str, list[tuple[str, str]]]:
    """Who uses each node, and which of its outputs."""
    users: dict[str, list[tuple[str, str]]] = {id: [] for id in drawing}
    for id, drawn in drawing.items():
        for operand in drawn.operands:
            users.get(operand.source, []).append((id, operand.output))
    return users


def shapes(
    drawing: Mapping[str, Drawn], families: Mapping[str, Members]
) -> dict[str, dict[str, Shape]]:
    """The shape of each member, by stem and id."""
    users = _users(drawing)
    place = {
        id: (stem, index) for stem, members in families.items() for index, id in members.items()
    }
    return {
        stem: {id: _shape(drawing, users, place, id, i) for i, id in members.items()}
        for stem, members in families.items()
    }


def _shape(
    drawing: Mapping[str, Drawn],
    users: Mapping[str, list[tuple[str, str]]],
    place: Mapping[str, tuple[str, str]],
    id: str,
    index: str,
) -> Shape:
    """What a member is like, up to its index."""

    def end(other: str) -> str:
        stem, at = place.get(other, (other, ""))
        return stem if at in ("", index) else other

    drawn = drawing[id]
    acts, kind = (drawn.meaning.op, drawn.meaning.module), (drawn.meaning.type, drawn.meaning.axis)
    operands = tuple((end(o.source), o.output, o.change) for o in drawn.operands)
    used = tuple(sorted((end(user), output) for user, output in users[id]))
    return _label(drawn, index), acts, kind, operands, used


def _label(drawn: Drawn, index: str) -> str:
    """The label of a member with `#` for its index and for its id."""
    label = drawn.node.label.text
    if index in label:
        label = _INDEX.sub(lambda found: _marked(found, index), label)
    return re.sub(r"\s+", " ", label.replace(drawn.node.id, "#"))


def _marked(found: re.Match[str], index: str) -> str:
    """A number or letter of a label, `#` for the index: `Key 1`, `a11`, but not `d1 of x`."""
    text, number = found.string, found[0]
    after_letter = number == index and text[: found.start()][-1:].isalpha()
    if not number.endswith(index) or (after_letter and found.end() < len(text)):
        return number
    return f"{number.removesuffix(index)}#"


def reach_each_other(drawing: Mapping[str, Drawn], members: set[str]) -> bool:
    """Whether a value of one member depends on another."""
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


def lookalikes(drawing: Mapping[str, Drawn]) -> Iterator[Diagnostic]:
    """Nodes that are labelled 1, 2, … and are no family, each reason once: it may be a mistake."""
    named = {
        stem: members
        for stem, members in groups(drawing).items()
        if any(_label(drawing[id], i) != drawing[id].node.label.text for i, id in members.items())
        and not reach_each_other(drawing, set(members.values()))
    }
    reasons: dict[str, Diagnostic] = {}
    found = shapes(drawing, named)
    for stem, members in named.items():
        ids = list(members.values())
        common = Counter(found[stem].values()).most_common(1)[0][0]
        odd = ids[0]
        reason = gap(members) or ("there is a node of that name" if stem in drawing else "")
        for id, shape in found[stem].items():
            if shape != common and not reason:
                differs = next(
                    i for i, (a, b) in enumerate(zip(shape, common, strict=True)) if a != b
                )
                odd, reason = id, _DIFFERENCES[differs].format(id)
        if reason:
            reasons.setdefault(reason, errors.no_family(drawing[odd].node.span, ids, stem, reason))
    yield from reasons.values()
