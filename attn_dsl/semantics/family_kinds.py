"""What the members of a family are, before any type is known.

Undeclared keys and values 1, 2, …, N that one query meets are vectors, and so is their query.
With queries 1, 2, …, N of their own, or in an attention module, they are matrices: heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from attn_dsl.ir.ops import (
    Concatenate,
    Elementwise,
    Function,
    LayerNorm,
    Linear,
    MatMul,
    MergeHeads,
    Positions,
    Scale,
    Score,
)
from attn_dsl.semantics.drawing import Drawn

_ROW_BY_ROW = (Linear, LayerNorm, Function, Elementwise, Scale, Score)
"""Operations whose result has as many dims as what flows in."""
_ROW_BY_ROW_MODULES = ("feed_forward", "add_norm")

Drawing = Mapping[str, Drawn]


def with_kinds(drawing: Drawing) -> dict[str, Drawn]:
    """`drawing`, with what its families are: vectors or matrices, side by side or not."""
    together = _together(drawing)
    vectors = {id: _are_vectors(drawing, members) for id, members in together.items()}
    queries, joined = _single_vectors(drawing, vectors), _side_by_side(drawing)
    result = {}
    for id, drawn in drawing.items():
        if drawn.family is not None:
            family = replace(drawn.family, vectors=vectors[id], joined=id in joined)
            result[id] = replace(drawn, family=family)
        else:
            result[id] = replace(drawn, vector=True) if id in queries else drawn
    return result


def _together(drawing: Drawing) -> dict[str, list[str]]:
    """The families that are connected with each one, member by member; by its id."""
    neighbours: dict[str, list[str]] = {id: [] for id, d in drawing.items() if d.family}
    for id in neighbours:
        for operand in drawing[id].operands:
            if operand.source in neighbours and not operand.whole:
                neighbours[id].append(operand.source)
                neighbours[operand.source].append(id)
    found: dict[str, list[str]] = {}
    for start in neighbours:
        if start not in found:
            group = {start: None}
            stack = [start]
            while stack:
                new = [id for id in neighbours[stack.pop()] if id not in group]
                group |= dict.fromkeys(new)
                stack += new
            found |= {id: list(group) for id in group}
    return found


def _are_vectors(drawing: Drawing, ids: list[str]) -> bool:
    """Whether inputs among these families, all connected with each other, are vectors."""
    nodes = [drawing[id] for id in ids]
    inputs = [d for d in nodes if not d.operands and d.meaning.op is not Positions]
    declared = [len(d.meaning.type.dims) for d in inputs if d.meaning.type is not None]
    if any(rank > 1 for rank in declared) or not inputs:
        return False
    if any(operand.whole for drawn in nodes for operand in drawn.operands):
        return True  # all keys for each query: they are its matrix
    attend = any(d.meaning.module and d.meaning.module not in _ROW_BY_ROW_MODULES for d in nodes)
    return not attend and not any(drawn.meaning.role == "query" for drawn in inputs)


def _single_vectors(drawing: Drawing, vectors: Mapping[str, bool]) -> set[str]:
    """The nodes outside of families whose value meets vectors, one a member, in a product."""
    found: set[str] = set()
    stack = list(_partners(drawing, vectors))
    while stack:
        id = stack.pop()
        if id in found or id not in drawing or drawing[id].family is not None:
            continue
        found.add(id)
        stack += _row_by_row(drawing[id])
    return found


def _partners(drawing: Drawing, vectors: Mapping[str, bool]) -> Iterator[str]:
    """What flows into products beside a vector of each member."""
    for id, drawn in drawing.items():
        sources = [o.source for o in drawn.operands if not o.whole]
        families = [source for source in sources if source in drawing and drawing[source].family]
        if vectors.get(id) and drawn.meaning.op is MatMul and families:
            yield from sources


def _row_by_row(drawn: Drawn) -> Iterator[str]:
    """The sources whose values have as many dims as this node's."""
    meaning = drawn.meaning
    changes = [o.change.op for o in drawn.operands]
    if any(op is not None and not issubclass(op, _ROW_BY_ROW) for op in changes):
        return
    by_op = meaning.op is not None and issubclass(meaning.op, _ROW_BY_ROW)
    if by_op or not meaning.acts or meaning.module in _ROW_BY_ROW_MODULES:
        yield from (o.source for o in drawn.operands)


def _side_by_side(drawing: Drawing) -> set[str]:
    """The nodes whose values, after what is done to each, end in a concatenation of members."""
    ends = (Concatenate, MergeHeads)
    stack = [id for id, d in drawing.items() if d.family is None and d.meaning.op in ends]
    found: set[str] = set()
    while stack:
        for operand in drawing[stack.pop()].operands:
            source = drawing.get(operand.source)
            if operand.whole or source is None or operand.source in found:
                continue
            if source.family is not None or not source.meaning.acts:
                found.add(operand.source)
                stack.append(operand.source)
    return found
