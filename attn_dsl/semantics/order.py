"""The order of use: everything after what it uses, walked from what nobody uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Uses = Mapping[str, Sequence[str]]
"""What each one uses, all by their names."""


def use_order(uses: Uses) -> tuple[list[str], list[list[str]]]:
    """The keys of `uses`, what each one uses before it, as early as its first user needs it.

    It depends on who uses whom and in which order, not on the order of the keys. What runs in
    a circle is left out, and returned: each circle as a whole, which may be several knotted.
    """
    order, has_circles = _walk(uses)
    knots = list(_knots(uses, order)) if has_circles else []
    broken = {id for knot in knots for id in knot}
    return [id for id in order if id not in broken], knots


def one_circle(uses: Uses, knot: Sequence[str]) -> list[str]:
    """One of the circles of a knot, each name followed by one that uses it."""
    inside = set(knot)
    path: dict[str, int] = {}
    id = knot[0]
    while id not in path:
        path[id] = len(path)
        id = next(operand for operand in uses[id] if operand in inside)
    return list(path)[path[id] :][::-1]


def _walk(uses: Uses) -> tuple[list[str], bool]:
    """The keys in the order in which a walk leaves them, and whether it met itself."""
    used = {operand for operands in uses.values() for operand in operands}
    order: dict[str, None] = {}
    on_path: set[str] = set()
    has_circles = False
    for start in [*(id for id in uses if id not in used), *uses]:
        stack = [(start, 0)]
        while stack:
            id, position = stack.pop()
            if id in order or (position == 0 and id in on_path):
                continue
            on_path.add(id)
            if position == len(uses[id]):
                on_path.remove(id)
                order[id] = None
                continue
            stack.append((id, position + 1))
            operand = uses[id][position]
            if operand in on_path:
                has_circles = True
            elif operand in uses:
                stack.append((operand, 0))
    return list(order), has_circles


def _knots(uses: Uses, order: Sequence[str]) -> Iterator[list[str]]:
    """Those that use one another, by Kosaraju's second walk, which goes from uses to users."""
    users: dict[str, list[str]] = {id: [] for id in uses}
    for id, operands in uses.items():
        for operand in operands:
            if operand in users:
                users[operand].append(id)
    seen: set[str] = set()
    for start in reversed(order):
        knot, stack = [], [start]
        while stack:
            id = stack.pop()
            if id not in seen:
                seen.add(id)
                knot.append(id)
                stack += users[id]
        if len(knot) > 1 or (knot and start in uses[start]):
            yield knot
