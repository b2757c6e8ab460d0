"""The order of use: every node after its operands, walked from the outputs."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.semantics import errors
from attn_dsl.semantics.drawing import Drawn


def use_order(drawing: Mapping[str, Drawn], found: list[Diagnostic]) -> list[str]:
    """The nodes, operands first, each as early as its first user needs it.

    It depends on who uses whom and in which order, not on the order of the lines. Circles are
    added to `found`; their nodes are left out.
    """
    used = {operand.source for drawn in drawing.values() for operand in drawn.operands}
    order: dict[str, None] = {}
    on_path: dict[str, None] = {}
    broken: set[str] = set()
    for start in [id for id in drawing if id not in used] + list(drawing):
        stack = [(start, 0)]
        while stack:
            id, position = stack.pop()
            if id in order or (position == 0 and id in on_path):
                continue
            on_path[id] = None
            operands = [o.source for o in drawing[id].operands if o.source in drawing]
            if position == len(operands):
                del on_path[id]
                order[id] = None
                continue
            stack.append((id, position + 1))
            operand = operands[position]
            if operand in on_path:
                path = list(on_path)
                circle = path[path.index(operand) :]
                if not broken & set(circle):
                    found.append(errors.cycle([drawing[node].node for node in circle]))
                broken |= set(circle)
            else:
                stack.append((operand, 0))
    return [id for id in order if id not in broken]
