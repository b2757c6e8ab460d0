"""Loop bounds from a mask: tiles outside of them are never visited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from attn_dsl.expr import TRUE, Binary, Call, Compare, Expr, conjunction, walk
from attn_dsl.ir.dims import Dim
from attn_dsl.tile.analysis import FLIPPED, K_FIRST, K_LAST


@dataclass(frozen=True)
class KeyLoop:
    """The keys that the loop of one query tile runs over.

    Keys before `begin` (rounded down to a tile) and from `end` on are hidden from all queries
    of the tile; None where there is no such bound but the length. On the tiles between them
    `live` still has to be asked, where it is not `True`. The names in all three are
    `q_first`, `q_last`, sizes, `b`, `h` and, in `live`, `k_first` and `k_last`.
    """

    begin: Expr | None
    end: Expr | None
    live: Expr


def key_loop(possible: Expr) -> KeyLoop:
    """Split the condition `possible` into bounds on the key, where it is affine, and the rest."""
    begins: list[Expr] = []
    ends: list[Expr] = []
    rest: Expr = TRUE
    for condition in _conjuncts(possible):
        bound = _bound(condition)
        if bound is None:
            rest = conjunction(rest, condition)
        else:
            (ends if bound[0] == "end" else begins).append(bound[1])
    return KeyLoop(_extreme("max", begins), _extreme("min", ends), rest)


def _conjuncts(condition: Expr) -> Iterator[Expr]:
    if isinstance(condition, Binary) and condition.op == "and":
        yield from _conjuncts(condition.lhs)
        yield from _conjuncts(condition.rhs)
    elif condition != TRUE:
        yield condition


def _bound(condition: Expr) -> tuple[str, Expr] | None:
    """`k_first < end` or `k_last >= begin`, if that is what the condition says."""
    if not isinstance(condition, Compare) or condition.op not in ("<", "<=", ">", ">="):
        return None
    if any(isinstance(e, Binary) and e.op in ("/", "//") for e in walk(condition)):
        return None  # a dim divides exactly, an expression rounds
    op, lhs, rhs = condition.op, condition.lhs, condition.rhs
    if op in FLIPPED:
        op, lhs, rhs = FLIPPED[op], rhs, lhs
    try:
        left = Dim.from_expr(lhs) + Dim.from_expr(rhs) * Dim.of(-1)  # left < 0, or left <= 0
    except ValueError:
        return None
    strict = Dim.of(op == "<")
    if dict(left.terms).get((K_FIRST.id,)) == 1:
        rest = Dim.of(K_FIRST.id) + left * Dim.of(-1)  # k_first < rest
        return _free("end", rest + Dim.of(1) + strict * Dim.of(-1))
    if dict(left.terms).get((K_LAST.id,)) == -1:
        rest = Dim.of(K_LAST.id) + left  # rest < k_last
        return _free("begin", rest + strict)
    return None


def _free(which: str, bound: Dim) -> tuple[str, Expr] | None:
    """The bound, unless the key itself is still in it."""
    if {K_FIRST.id, K_LAST.id} & set(bound.symbols):
        return None
    return which, bound.to_expr()


def _extreme(function: str, bounds: list[Expr]) -> Expr | None:
    """The tightest of several bounds."""
    return reduce(lambda x, y: Call(function, (x, y)), bounds) if bounds else None
