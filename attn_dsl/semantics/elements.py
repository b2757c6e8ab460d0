"""Expressions of single elements over whole tensors, as statements.

What boxes can draw is drawn so: `S / √D + bias` is a Scale and an Add, `where(k <= q, S, -inf)` a
Mask. A part that has no operation of its own is one Pointwise, as is one that reads a tensor at
two places, so that nothing is computed for its own sake that could be computed on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from attn_dsl.expr import (
    INDICES,
    MINUS_INF,
    SCORE,
    Binary,
    Call,
    Expr,
    Kind,
    Number,
    Tensor,
    Unary,
    kind_of,
    names_in,
    tensors_in,
)
from attn_dsl.ir import TensorType, TypeMismatch
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Add, Divide, Elementwise, Mask, Multiply, Op, Pointwise, Scale, Subtract
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.captured import indices_of_no_dim, report_unknown
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.scaling import with_sizes
from attn_dsl.semantics.site import Site

ELEMENTWISE: Mapping[str, type[Elementwise]] = {
    "+": Add,
    "-": Subtract,
    "*": Multiply,
    "/": Divide,
}


class Reported(Exception):
    """A part of the equation is wrong, and that was reported."""


@dataclass
class Elements:
    """Adds the statements of one equation; `count` numbers its values until they are named."""

    builder: Builder
    site: Site
    count: int = 0

    def value(self, expr: Expr) -> str:
        """The value of `expr`, whose tensors are values; one at least stands without indices."""
        match expr:
            case Tensor(name, None):
                return name
            case Unary("-", x) if self.is_real(x):
                return self._scaled(x, Number(-1))
            case Binary("*", x, factor) if self.is_real(x) and _is_scalar(factor):
                return self._scaled(x, factor)
            case Binary("*", factor, x) if self.is_real(x) and _is_scalar(factor):
                return self._scaled(x, factor)
            case Binary("/", x, factor) if self.is_real(x) and _is_scalar(factor):
                return self._scaled(x, Binary("/", Number(1), factor))
            case Binary(op, lhs, rhs) if op in ELEMENTWISE and self._may_part(expr, lhs, rhs):
                return self.add(ELEMENTWISE[op](self.value(lhs), self.value(rhs)))
            case Call("where", (keep, x, no)) if no == MINUS_INF and self._is_mask(expr, keep, x):
                return self._masked(x, keep)
            case Call("where", (hide, no, x)) if no == MINUS_INF and self._is_mask(expr, hide, x):
                return self._masked(x, Unary("not", hide))
        return self._pointwise(expr)

    def type_of(self, expr: Expr) -> TensorType | None:
        """The type of `expr`; None if its tensors do not fit, or none stands without indices."""
        try:
            return self._as_pointwise(expr).infer(self.builder.types)
        except TypeMismatch:
            return None

    def is_real(self, expr: Expr) -> bool:
        """Whether `expr` holds real numbers, in the dtype of a tensor without indices."""
        whole = tensors_in(expr, gathered=False)
        real = any(self.builder.type_of(name).dtype.is_float for name in whole)
        return real and self._kind(expr) is Kind.FLOAT

    def add(self, op: Op) -> str:
        """Add `op`, under a name of its own."""
        site = self.inner()
        origin = site.origin(type(op).__name__)
        return self.made(self.builder.add(site.wish, op, origin, site.places))

    def made(self, name: str | None) -> str:
        """The name of a value; if there is none, the reason was reported."""
        if name is None:
            raise Reported
        return name

    def inner(self) -> Site:
        """The site under a name of its own, for what others build."""
        self.count += 1
        return replace(self.site, wish=f"{self.site.wish}_{self.count}")

    def _kind(self, expr: Expr) -> Kind:
        types = self.builder.types
        return kind_of(expr, {name: types[name].dtype.kind for name in tensors_in(expr)})

    def _may_part(self, whole: Expr, lhs: Expr, rhs: Expr) -> bool:
        """Whether both sides may be values: real ones that share no tensor, unless they are one."""
        if not self.is_real(lhs) or not self.is_real(rhs):
            return False
        tensors = isinstance(lhs, Tensor) and isinstance(rhs, Tensor)
        return tensors or (_are_apart(lhs, rhs) and self._stands_alone(whole, lhs, rhs))

    def _is_mask(self, whole: Expr, keep: Expr, x: Expr) -> bool:
        real = self.is_real(x) and self._kind(keep) is Kind.BOOL
        types = self.type_of(whole), self.type_of(x)
        return real and _are_apart(keep, x) and types[0] == types[1]

    def _stands_alone(self, whole: Expr, *parts: Expr) -> bool:
        """Whether `b h q k` count the same dims in parts of an expression as in the whole."""
        indexed = [part for part in parts if names_in(part) & {*INDICES}]
        return all(self.type_of(part) == self.type_of(whole) for part in indexed)

    def _scaled(self, x: Expr, factor: Expr) -> str:
        name = self.value(x)
        known = with_sizes(self.builder, self.site, factor, name)
        self._check_names(known, ())
        return self.add(Scale(name, known))

    def _masked(self, x: Expr, keep: Expr) -> str:
        name = self.value(x)
        known = self._sized(keep, name)
        self._warn_of_indices(known, self.builder.type_of(name))
        return self.add(Mask(name, known))

    def _pointwise(self, expr: Expr) -> str:
        whole = tensors_in(expr, gathered=False)
        contracted = {self.builder.contracted[n]: n for n in whole if n in self.builder.contracted}
        known = self._sized(expr, next(iter(contracted.values())) if len(contracted) == 1 else "")
        name = self.add(self._as_pointwise(known))
        self._warn_of_indices(known, self.builder.type_of(name))
        return name

    def _as_pointwise(self, expr: Expr) -> Pointwise:
        return Pointwise(expr, self.builder.settings.dtype.value)

    def _sized(self, expr: Expr, scores: str) -> Expr:
        """`expr` in the sizes of the graph, beside indices."""
        known = with_sizes(self.builder, self.site, expr, scores, indices=True)
        self._check_names(known, INDICES)
        return known

    def _check_names(self, expr: Expr, indices: tuple[str, ...]) -> None:
        if indices and SCORE.id in names_in(expr):
            place = part(self.site.label, SCORE.id)
            self.builder.found.append(errors.size_or_index(place, SCORE.id))
            raise Reported
        known = [*indices, *sorted(self.builder.symbols)]
        if wrong := sorted(names_in(expr) - self.builder.symbols - {*indices}):
            report_unknown(self.builder, self.site, wrong[0], known)
            raise Reported

    def _warn_of_indices(self, expr: Expr, type_: TensorType) -> None:
        """Of those that are always 0: there is no such dim, or one of size 1 that broadcasts."""
        single = {
            i for i, d in zip(reversed(INDICES), reversed(type_.dims), strict=False) if d == ONE
        }
        for index in sorted(names_in(expr) & (single | indices_of_no_dim(type_))):
            place = part(self.site.label, index)
            self.builder.found.append(errors.index_of_no_dim(place, index, str(type_)))


def _is_scalar(expr: Expr) -> bool:
    """Whether `expr` is one number for all elements: of sizes alone."""
    return not tensors_in(expr) and names_in(expr).isdisjoint(INDICES)


def _are_apart(lhs: Expr, rhs: Expr) -> bool:
    return set(tensors_in(lhs)).isdisjoint(tensors_in(rhs))
