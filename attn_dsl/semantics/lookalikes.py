"""Why nodes that look like a family are none: where a drawing is wrong, it may be a mistake."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.semantics import errors
from attn_dsl.semantics.alike import DIFFERENCES, Row, Shape, shapes
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.families import find_families
from attn_dsl.semantics.numbering import Members, gap, groups
from attn_dsl.semantics.uses import users_of


def lookalikes(drawing: Mapping[str, Drawn]) -> Iterator[Diagnostic]:
    """Nodes that are labelled 1, 2, … and are no family, each reason once."""
    numbered, families = groups(drawing), find_families(drawing)
    row, users = Row(numbered), users_of(drawing)
    reasons: dict[str, Diagnostic] = {}
    for stem, members in numbered.items():
        if stem in families or not _is_meant(drawing, members):
            continue
        ids = list(members.values())
        odd, reason = _odd_one(shapes(drawing, users, row, stem))
        if why := gap(members) or ("there is a node of that name" if stem in drawing else ""):
            odd, reason = ids[0], why
        if reason:
            error = errors.no_family(drawing[odd].node.span, ids, stem, reason)
            reasons.setdefault(reason, error)
    yield from reasons.values()


def _is_meant(drawing: Mapping[str, Drawn], members: Members) -> bool:
    """Whether labels show the index, or the id, of nodes that stand side by side."""
    shown = any(_shows(drawing[id], index) for index, id in members.items())
    return shown and not _reach_each_other(drawing, set(members.values()))


def _reach_each_other(drawing: Mapping[str, Drawn], members: set[str]) -> bool:
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


def _shows(drawn: Drawn, index: str) -> bool:
    text = drawn.node.label.text
    if drawn.node.id in text or index not in text:  # a pattern for each of many would take long
        return drawn.node.id in text
    return re.search(rf"(?<![^\W\d_]){index}\b|{index}$", text) is not None


def _odd_one(found: Mapping[str, Shape]) -> tuple[str, str]:
    """The first member that is not like most of them, and what it differs in."""
    common = Counter(found.values()).most_common(1)[0][0]
    for id, shape in found.items():
        for difference, mine, theirs in zip(DIFFERENCES, shape, common, strict=True):
            if mine != theirs:
                return id, difference.format(id)
    return "", ""
