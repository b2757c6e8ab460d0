"""Loop bounds from a mask: tiles outside of them are never visited."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.expr import TRUE, Binary, Call, Compare, Expr, Name, Number, conjunction, names_in
from attn_dsl.tile.linear import K_FIRST, K_LAST, Q_FIRST, Q_LAST, Linear, at_most_zero
from attn_dsl.tile.scope import Scope


@dataclass(frozen=True)
class KeyLoop:
    """The keys that the loop of one query tile runs over.

    Tiles that end before `begin`, or begin at `end` or after it, are hidden from all queries of
    the tile; None where there is no such bound but the length. On the tiles between them `live`
    still has to be asked, where it is not `True`. The names in all three are `q_first`,
    `q_last`, sizes, `b`, `h` and, in `live`, `k_first` and `k_last`.
    """

    begin: Expr | None = None
    end: Expr | None = None
    live: Expr = TRUE

    @property
    def nonempty(self) -> Expr:
        """Whether any key is within the bounds, where that is not plain from them."""
        condition: Expr = TRUE
        if self.begin is not None and self.end is not None:
            for begin in _parts("max", self.begin):
                for end in _parts("min", self.end):
                    length = Linear.of(end) + Linear.of(begin) * -1
                    condition = conjunction(condition, at_most_zero((length * -1).plus(1)))
        return condition


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


def key_loop(possible: Expr, scope: Scope) -> KeyLoop:
    """Split the condition `possible` into bounds on the key, where it has them, and the rest."""
    return _solve(possible, (K_FIRST, K_LAST), scope)


def find_edges(possible: Expr, certain: Expr, scope: Scope) -> Edges | None:
    """The edges of a mask that has any; None for one that bounds on the key do not say."""
    if possible == TRUE == certain or key_loop(possible, scope).live != TRUE:
        return None
    # All keys are seen: the last one lies before the end, the first one not before the begin.
    full = _solve(certain, (K_LAST, K_FIRST), scope)
    if full.live != TRUE:
        return None
    queries = _solve(possible, (Q_FIRST, Q_LAST), scope)
    return Edges(full.begin, full.end, queries.begin, queries.end)


def full_queries(certain: Expr, scope: Scope) -> KeyLoop:
    """Of a condition that a tile meets as a whole: the queries that meet it with all its keys.

    They are those from `begin` up to `end`, if `live` is `True`.
    """
    return _solve(certain, (Q_LAST, Q_FIRST), scope)


Ends = tuple[Name, Name]
"""What has to be below an end, and what not below a begin."""


def _solve(condition: Expr, ends: Ends, scope: Scope) -> KeyLoop:
    """`condition` as bounds on `ends`, where it has them, and the rest."""
    match condition:
        case Binary("and", lhs, rhs):
            return _both(_solve(lhs, ends, scope), _solve(rhs, ends, scope))
        case Binary("or", lhs, rhs):
            return _either(_solve(lhs, ends, scope), _solve(rhs, ends, scope), condition)
        case Compare("<" | "<=" as op, lhs, rhs) if scope.is_integer(lhs, rhs):
            sum = (Linear.of(lhs) + Linear.of(rhs) * -1).plus(op == "<")
            return _bound(sum, ends, scope) or KeyLoop(live=condition)
    return KeyLoop(live=condition)


def _both(lhs: KeyLoop, rhs: KeyLoop) -> KeyLoop:
    begin, end = _tightest("max", lhs.begin, rhs.begin), _tightest("min", lhs.end, rhs.end)
    return KeyLoop(begin, end, conjunction(lhs.live, rhs.live))


def _tightest(function: str, *bounds: Expr | None) -> Expr | None:
    known = tuple(bound for bound in bounds if bound is not None)
    return Call(function, known) if len(known) == 2 else next(iter(known), None)


def _either(lhs: KeyLoop, rhs: KeyLoop, whole: Expr) -> KeyLoop:
    """The loosest of both; bounds on one side say all that the whole condition says."""
    begin = _loosest("min", lhs.begin, rhs.begin)
    end = _loosest("max", lhs.end, rhs.end)
    is_all = TRUE == lhs.live == rhs.live and (
        None is lhs.begin is rhs.begin or None is lhs.end is rhs.end
    )
    return KeyLoop(begin, end, TRUE if is_all else whole)


def _loosest(function: str, lhs: Expr | None, rhs: Expr | None) -> Expr | None:
    return Call(function, (lhs, rhs)) if lhs is not None and rhs is not None else None


def _bound(sum: Linear, ends: Ends, scope: Scope) -> KeyLoop | None:
    """`sum <= 0` as a bound on `ends`, if it is one."""
    below, above = ends
    for term, factor in sum.terms.items():
        key, tile = _quotient(term)
        rest = sum + Linear({term: -factor})
        others = rest.to_expr()
        if names_in(others) & {below.id, above.id} or scope.varies(others):
            continue
        if (key, factor) == (below, 1):
            return KeyLoop(end=_times((rest * -1).plus(1), tile))
        if (key, factor) == (above, -1):
            return KeyLoop(begin=_times(rest, tile))
    return None


def _quotient(term: Expr) -> tuple[Expr, int]:
    """`x // n` as x and n; all else over 1."""
    match term:
        case Binary("//", x, Number(int(divisor))) if divisor > 0:
            return x, divisor
    return term, 1


def _parts(function: str, bound: Expr) -> list[Expr]:
    """Those of which `bound` is the tightest."""
    match bound:
        case Call(name, (lhs, rhs)) if name == function:
            return [*_parts(function, lhs), *_parts(function, rhs)]
    return [bound]


def _times(sum: Linear, factor: int) -> Expr:
    if factor == 1 or not sum.terms:
        return (sum * factor).to_expr()
    return Binary("*", sum.to_expr(), Number(factor))
