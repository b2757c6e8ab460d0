"""The order of use: everything after what it uses, walked from what nobody uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def use_order(uses: Mapping[str, Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The keys of `uses`, what each one uses before it, as early as its first user needs it.

    It depends on who uses whom and in which order, not on the order of the keys. What runs in
    a circle is left out, and returned as the circles that were met.
    """
    used = {operand for operands in uses.values() for operand in operands}
    order: dict[str, None] = {}
    on_path: dict[str, None] = {}
    circles: list[list[str]] = []
    for start in [*(id for id in uses if id not in used), *uses]:
        stack = [(start, 0)]
        while stack:
            id, position = stack.pop()
            if id in order or (position == 0 and id in on_path):
                continue
            on_path[id] = None
            if position == len(uses[id]):
                del on_path[id]
                order[id] = None
                continue
            stack.append((id, position + 1))
            operand = uses[id][position]
            if operand in on_path:
                path = list(on_path)
                circles.append(path[path.index(operand) :])
            elif operand in uses:
                stack.append((operand, 0))
    broken = {id for circle in circles for id in circle}
    return [id for id in order if id not in broken], _distinct(circles)


def _distinct(circles: list[list[str]]) -> list[list[str]]:
    """One of those that share a node."""
    kept: list[list[str]] = []
    for circle in circles:
        if not any(set(circle) & set(other) for other in kept):
            kept.append(circle)
    return kept
