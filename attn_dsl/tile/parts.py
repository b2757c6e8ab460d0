"""The parts of a fused attention: which of them a step, or an operation that was drawn, is."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attn_dsl.tile.program import Contract, Fill, Hide, Load, Map, Step, Store


class Part(Enum):
    """What a step of a fused attention is for."""

    SCORES = "scores"  # query keyᵀ
    SCALE = "scale"
    SCORE = "score"  # whatever else is done to single scores
    MASK = "mask"
    SOFTMAX = "softmax"
    VALUES = "values"  # weights value


def part_of(step: Step) -> Part:
    """The part that `step` does."""
    match step:
        case Load(into="query_tile", scale=scale):
            return Part.SCORES if scale is None else Part.SCALE
        case Load(into="value_tile") | Fill("accumulator") | Store(buffer="accumulator"):
            return Part.VALUES
        case Contract(transposed=transposed):
            return Part.SCORES if transposed else Part.VALUES
        case Load():
            return Part.SCORES
        case Map():
            return Part.SCORE
        case Hide():
            return Part.MASK
    return Part.SOFTMAX


def parts_of(titles: Sequence[str]) -> list[Part]:
    """The parts that the operations of these titles were, in the order of the computation.

    `MatMul, Scale, Mask, Softmax, MatMul` are all five. Where no softmax normalizes the weights,
    the last operation spends them.
    """
    words = [title.partition(" ")[0] for title in titles]
    softmax = next((n for n, word in enumerate(words) if word in _SOFTMAX), len(words) - 1)
    found = [_BEFORE.get(word, Part.SCORE) for word in words[:softmax]]
    if words[softmax:] and words[softmax] in _SOFTMAX:
        found.append(Part.SOFTMAX)
    return found + [Part.VALUES] * (len(words) - len(found))


_SOFTMAX = ("Softmax", "LogSumExp")
_BEFORE = {"MatMul": Part.SCORES, "Scale": Part.SCALE, "Mask": Part.MASK}
