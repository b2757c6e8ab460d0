"""What a mask reads along one axis, as a tile sees it: a least and a greatest value.

`doc[b, q]` depends on no key, so all that a tile knows of it is a range over its queries. The
ranges of all tiles are found once a call, in time that grows with the length, not with its
square. A part that depends on neither, such as `length[b]`, is one number for the head.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from attn_dsl.expr import (
    Binary,
    Call,
    Compare,
    Expr,
    Kind,
    Name,
    Number,
    Tensor,
    Unary,
    children,
    kind_of,
    tensors_in,
    to_text,
    walk,
)

BOTH = frozenset("qk")
Axes = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Range:
    """The values of `expr` over the queries (`axis` "q") or keys ("k") of a tile.

    Where the axis is "" it is one number for the head. In conditions on tiles, the least and
    the greatest value are the tensors `low` and `high`: of numbers, both NaN where a value is
    NaN; of conditions, whether all of them hold and whether any does.
    """

    name: str
    axis: str
    expr: Expr
    kind: Kind

    @property
    def low(self) -> Tensor:
        """The least value, or whether all are true."""
        return Tensor(self.name + self._suffix("all", "min"))

    @property
    def high(self) -> Tensor:
        """The greatest value, or whether any is true."""
        return Tensor(self.name + self._suffix("any", "max"))

    def _suffix(self, of_conditions: str, of_numbers: str) -> str:
        end = of_conditions if self.kind is Kind.BOOL else of_numbers
        return f"_{end}" if self.axis else ""


def range_kinds(ranges: Iterable[Range]) -> dict[str, Kind]:
    """The kinds of the tensors that stand for ranges."""
    return {name: r.kind for r in ranges for name in (r.name, r.low.name, r.high.name)}


def axes_of(expr: Expr, axes: Axes) -> frozenset[str]:
    """Which of `q` and `k` a part of a mask depends on.

    A tensor that is read at the score itself depends on both, if `axes` says no other.
    """
    match expr:
        case Name(id):
            return BOTH if id == "s" else frozenset({id}) & BOTH
        case Tensor(name, None):
            return axes.get(name, BOTH)
    return frozenset().union(*(axes_of(child, axes) for child in children(expr)))


def extract_ranges(
    mask: Expr, kinds: Mapping[str, Kind], axes: Axes, taken: Collection[str]
) -> tuple[Expr, dict[str, Range]]:
    """The mask with a tensor in the place of each range, and the ranges by these tensors' names.

    `kinds` are those of the captured tensors; `taken` are names that no range may have.
    """
    found: dict[Expr, Range] = {}

    def name(expr: Expr, axis: str) -> str:
        stem = _stem(expr, axis)
        used = {*taken, *(r.name for r in found.values())}
        return next(n for n in _numbered(stem) if not any(u.startswith(n) for u in used))

    def extract(expr: Expr) -> Expr:
        along = axes_of(expr, axes)
        if along != BOTH and _is_range(expr, axes):
            if expr not in found:
                axis = "".join(along)
                found[expr] = Range(name(expr, axis), axis, expr, kind_of(expr, kinds))
            return Tensor(found[expr].name)
        match expr:
            case Unary(_, x):
                return replace(expr, x=extract(x))
            case Binary(_, lhs, rhs) | Compare(_, lhs, rhs):
                return replace(expr, lhs=extract(lhs), rhs=extract(rhs))
            case Call(_, arguments):
                return replace(expr, arguments=tuple(map(extract, arguments)))
        return expr

    return extract(mask), {r.name: r for r in found.values()}


def _stem(expr: Expr, axis: str) -> str:
    """`doc_q` for `doc[b, q]`, `q_mod_32` for `q % 32`, `mask_q` for what is longer."""
    tensor = next(iter(tensors_in(expr)), None)
    if tensor is not None:
        return f"{tensor}_{axis or 'head'}"
    words = to_text(expr).replace("//", "by").replace("%", "mod").split()
    return "_".join(words) if all(word.isalnum() for word in words) else f"mask_{axis}"


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def _is_range(expr: Expr, axes: Axes) -> bool:
    """Whether all of `expr` has to be one range, and not only parts of it.

    Of a conjunction it may be parts: the others may be bounds of the loop over keys.
    """
    if isinstance(expr, Binary) and expr.op in ("and", "or"):
        return _is_range(expr.lhs, axes) and _is_range(expr.rhs, axes)
    varies = bool(axes_of(expr, axes))
    return any(_is_read(node, axes) if varies else isinstance(node, Tensor) for node in walk(expr))


def _is_read(node: Expr, axes: Axes) -> bool:
    """Whether a node varies along the axis in a way that only its values tell."""
    if not axes_of(node, axes):
        return False
    match node:
        case Tensor():
            return True
        case Call(function):
            return function not in ("min", "max", "abs")
        case Binary("*", lhs, rhs):
            return bool(axes_of(lhs, axes) and axes_of(rhs, axes))
        case Binary("//" | "/", _, divisor):
            return not isinstance(divisor, Number)
    return isinstance(node, Binary) and node.op in ("%", "**")
