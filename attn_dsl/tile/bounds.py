"""Loop bounds from a mask: tiles outside of them are never visited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from attn_dsl.expr import TRUE, Binary, Call, Compare, Expr, conjunction, walk
from attn_dsl.ir.dims import Dim
from attn_dsl.tile.analysis import FLIPPED, K_FIRST, K_LAST, Q_FIRST, Q_LAST


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


@dataclass(frozen=True)
class Edges:
    """Where a mask cuts through the keys of a query tile, if bounds say all of it.

    All queries `q_first … q_last` see the keys from `full_begin` up to, but without, `full_end`.
    Of the others, keys `k_first … k_last` are seen by the queries from `first_query` up to
    `end_query` alone. None where there is no such bound but the length.
    """

    full_begin: Expr | None
    full_end: Expr | None
    first_query: Expr | None
    end_query: Expr | None


def key_loop(possible: Expr) -> KeyLoop:
    """Split the condition `possible` into bounds on the key, where it is affine, and the rest."""
    begin, end, rest = _solve(possible, K_FIRST.id, K_LAST.id)
    return KeyLoop(begin, end, rest)


def find_edges(possible: Expr, certain: Expr) -> Edges | None:
    """The edges of a mask that has any; None for one that bounds on the key do not say."""
    if TRUE in (possible, certain) or _solve(possible, K_FIRST.id, K_LAST.id)[2] != TRUE:
        return None
    # All keys are seen: the last one lies before the end, the first one not before the begin.
    full_begin, full_end, rest = _solve(certain, K_LAST.id, K_FIRST.id)
    if rest != TRUE:
        return None
    first_query, end_query, _ = _solve(possible, Q_FIRST.id, Q_LAST.id)
    return Edges(full_begin, full_end, first_query, end_query)


def _solve(condition: Expr, below: str, above: str) -> tuple[Expr | None, Expr | None, Expr]:
    """`above >= begin` and `below < end` and a rest, of the conjuncts of `condition`."""
    begins: list[Expr] = []
    ends: list[Expr] = []
    rest: Expr = TRUE
    for conjunct in conjuncts(condition):
        bound = _bound(conjunct, below, above)
        if bound is None:
            rest = conjunction(rest, conjunct)
        else:
            (ends if bound[0] == "end" else begins).append(bound[1])
    return _extreme("max", begins), _extreme("min", ends), rest


def conjuncts(condition: Expr) -> Iterator[Expr]:
    """The conditions that `condition` joins by `and`, without those that are always true."""
    if isinstance(condition, Binary) and condition.op == "and":
        yield from conjuncts(condition.lhs)
        yield from conjuncts(condition.rhs)
    elif condition != TRUE:
        yield condition


def _bound(condition: Expr, below: str, above: str) -> tuple[str, Expr] | None:
    """`below < end` or `above >= begin`, if that is what the condition says."""
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
    if dict(left.terms).get((below,)) == 1:
        rest = Dim.of(below) + left * Dim.of(-1)  # below < rest
        return _free("end", rest + Dim.of(1) + strict * Dim.of(-1), below, above)
    if dict(left.terms).get((above,)) == -1:
        rest = Dim.of(above) + left  # rest < above
        return _free("begin", rest + strict, below, above)
    return None


def _free(which: str, bound: Dim, *solved: str) -> tuple[str, Expr] | None:
    """The bound, unless what it is a bound of is still in it."""
    return None if set(solved) & set(bound.symbols) else (which, bound.to_expr())


def _extreme(function: str, bounds: list[Expr]) -> Expr | None:
    """The tightest of several bounds."""
    return reduce(lambda x, y: Call(function, (x, y)), bounds) if bounds else None
