"""A fused operation in words that its reader knows."""

from __future__ import annotations

from attn_dsl.expr import MINUS_INF, SCORE, TRUE, Number, Tensor, to_text
from attn_dsl.ir.ops import TiledAttention, TiledScores, row_of
from attn_dsl.tile.local_names import local_names


def formula(name: str, op: TiledScores, beside: str = "") -> list[str]:
    """What `name = op` computes, a line for the scores, each change of them, and the result.

    Values are called without the path of their module. `beside` is the name of the log-sum-exp
    that comes with it.
    """
    _, names = local_names(name, op)
    short = op.rename(names)
    assert isinstance(short, TiledScores)
    lines = [*_scores(short), _result(names.get(name, name), short)]
    return [*lines, f"{beside} = {_of_rows('logsumexp', short)}"] if beside else lines


def _scores(op: TiledScores) -> list[str]:
    product = f"{op.query} {op.key}ᵀ"
    factor = "" if op.scale == Number(1) else f" · {to_text(op.scale)}"
    lines = [*_pages(op), f"s = {product}{factor}"]
    if op.score != SCORE:
        lines.append(f"s = {to_text(op.score)}")
    if op.mask != TRUE:
        hidden = "0" if isinstance(op, TiledAttention) and op.normalizer == "none" else "-inf"
        lines.append(f"s = {hidden} unless {to_text(op.mask)}")
    return lines


def _pages(op: TiledScores) -> list[str]:
    """Where key k lies in each pool of pages."""
    places: dict[str, list[str]] = {}
    for name, page in op.read:
        if isinstance(page, Tensor):
            row = to_text(row_of(page))
            places.setdefault(f"row {row} of page {to_text(page)}", []).append(name)
    return [
        f"key k of {' and '.join(dict.fromkeys(names))}: {place}" for place, names in places.items()
    ]


def _result(name: str, op: TiledScores) -> str:
    if not isinstance(op, TiledAttention):
        return f"{name} = {_of_rows('logsumexp', op)}"
    weights = "s" if op.normalizer == "none" else _of_rows("softmax", op)
    return f"{name} = {weights} {op.value}"


def _of_rows(function: str, op: TiledScores) -> str:
    sink = "" if op.sink == MINUS_INF else f", sink={to_text(op.sink)}"
    return f"{function}(s{sink})"
