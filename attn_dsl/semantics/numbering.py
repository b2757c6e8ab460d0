"""Nodes whose ids differ in the last index alone: `K1`, `K2`, …, `KN`."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ID = re.compile(r"(?P<stem>\w*?[^\W\d_])_?(?P<index>\d+|[A-Z])")
Members = dict[str, str]
"""Node ids by index."""


def stem_and_index(id: str) -> tuple[str, str]:
    """What an id begins with, and the index that it ends in; both empty without one."""
    match = _ID.fullmatch(id)
    return (match["stem"], match["index"]) if match else ("", "")


def groups(ids: Iterable[str]) -> dict[str, Members]:
    """Several nodes of one stem by index, the numbers in order and letters last."""
    groups: dict[str, Members] = {}
    twice: set[str] = set()
    for id in ids:
        stem, index = stem_and_index(id)
        if stem:
            members = groups.setdefault(stem, {})
            if index in members:
                twice.add(stem)  # `K1` and `K_1` are two nodes
            members[index] = id
    return {
        stem: dict(sorted(members.items(), key=_position))
        for stem, members in groups.items()
        if len(members) > 1 and stem not in twice
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
