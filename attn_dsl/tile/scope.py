"""What the tensors in a mask are, when it is asked what the mask is on a tile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attn_dsl.expr import (
    FALSE,
    OPPOSITE,
    TRUE,
    Binary,
    Compare,
    Expr,
    Kind,
    Name,
    Number,
    Tensor,
    Unary,
    conjunction,
    disjunction,
    kind_of,
    walk,
)
from attn_dsl.tile.ranges import Range, range_kinds


@dataclass(frozen=True)
class Scope:
    """The ranges of a mask, by the tensors' names that stand for them, and captured tensors."""

    ranges: Mapping[str, Range] = field(default_factory=dict)
    captured: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Those of all tensors, captured or in the place of a range."""
        return {**self.captured, **range_kinds(self.ranges.values())}

    def kind(self, expr: Expr) -> Kind:
        """Whether a part of the mask, or of a condition on tiles, is boolean, whole or real."""
        return kind_of(expr, self.kinds)

    def is_integer(self, *exprs: Expr) -> bool:
        """Whether all are whole numbers, True and False being 1 and 0."""
        return all(self.kind(expr) is not Kind.FLOAT for expr in exprs)

    def varies(self, expr: Expr) -> bool:
        """Whether `expr` may have several values on a tile."""
        return any(self._varies(node) for node in walk(expr))

    def _varies(self, node: Expr) -> bool:
        if isinstance(node, Tensor):
            return node.name not in self.ranges or self.ranges[node.name].axis != ""
        return isinstance(node, Name) and node.id in ("q", "k", "s")

    def opposite(self, condition: Expr) -> Expr:
        """The condition that holds where `condition` does not.

        Comparisons are reversed, but for those of real numbers: of NaN, each is false.
        """
        match condition:
            case Number(value):
                return FALSE if value else TRUE
            case Unary("not", x):
                return x
            case Binary("and", lhs, rhs):
                return disjunction(self.opposite(lhs), self.opposite(rhs))
            case Binary("or", lhs, rhs):
                return conjunction(self.opposite(lhs), self.opposite(rhs))
            case Compare("<" | "<=" as op, lhs, rhs) if self.is_integer(lhs, rhs):
                return Compare("<=" if op == "<" else "<", rhs, lhs)
            case Compare(op, lhs, rhs) if self.is_integer(lhs, rhs):
                return Compare(OPPOSITE[op], lhs, rhs)
        return Unary("not", condition)
