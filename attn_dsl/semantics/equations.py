"""Equations on whole tensors: `S = Q @ Kᵀ / √D`, `q = W_q * x`, `P = where(k <= q, S, -inf)`.

Names are the tensors with an arrow into the node, then the indices `b h q k`, then sizes; within
brackets the indices come first. What mixes elements (`@`, `ᵀ`, softmax) is a value of its own; what
is left is an expression of single elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from attn_dsl.expr import (
    INDICES,
    Binary,
    Call,
    Expr,
    Name,
    Number,
    Tensor,
    Unary,
    names_in,
    tensors_in,
    with_children,
)
from attn_dsl.ir import TypeMismatch, broadcast
from attn_dsl.ir.ops import Softmax, Transpose
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.captured import places_of, report_unknown
from attn_dsl.semantics.elements import Elements, Reported
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.matmul import build_matmul
from attn_dsl.semantics.scaling import HEAD_DIM_NAMES
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.values import Value


def build_equation(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """The value of the equation that `site` holds; None once what is wrong was reported."""
    equation = site.meaning.equation
    assert equation is not None
    said = {*names_in(equation), *tensors_in(equation)}
    names = {*said, *(f"{name}ᵀ" for name in said)}
    tensors: dict[str, Value] = {}
    for argument in arguments:
        if names.isdisjoint(argument.value.known_as):
            builder.found.append(errors.not_mentioned(argument.value.known_as, argument.place))
            continue
        name = typed(builder, site, argument, None)
        if name is None:
            return None
        value = Value(name, argument.value.role, known_as=argument.value.known_as)
        tensors |= dict.fromkeys(value.known_as, value)
    site = replace(site, places=places_of(site.label, tensors.values()))
    try:
        result = _Equation(builder, site, tensors, Elements(builder, site)).whole(equation)
    except Reported:
        return None
    named = result not in {value.name for value in tensors.values()}
    return builder.rename(result, site.wish) if named else result


@dataclass
class _Equation:
    """An equation that is being built, on `tensors` by all their names.

    `terms` are its parts over values, by the object that each is: a chain of comparisons holds
    what stands in its middle twice, and it is computed once.
    """

    builder: Builder
    site: Site
    tensors: Mapping[str, Value]
    elements: Elements
    terms: dict[int, Expr] = field(default_factory=dict)

    def whole(self, expr: Expr) -> str:
        """The value of `expr`, which names a tensor."""
        term = self._term(expr)
        if not tensors_in(term, gathered=False):
            error = errors.no_shape if tensors_in(term) else errors.no_tensor
            self.builder.found.append(error(self.site.place))
            raise Reported
        return self.elements.value(term)

    def _term(self, expr: Expr) -> Expr:
        """`expr` over values: what mixes elements is one, the rest is as it was."""
        if id(expr) not in self.terms:
            self.terms[id(expr)] = self._read(expr)
        return self.terms[id(expr)]

    def _read(self, expr: Expr) -> Expr:
        match expr:
            case Name(id):
                return self._name(id)
            case Tensor(name, indices):
                return Tensor(self._tensor(name), tuple(map(self._index, indices or ())))
            case Unary("ᵀ", Name(id)) if f"{id}ᵀ" in self.tensors:
                return Tensor(self._tensor(f"{id}ᵀ"))
            case Unary("ᵀ", x):
                return Tensor(self.elements.add(Transpose(self.whole(x))))
            case Call("softmax", (x, Number(int(axis)))):
                return Tensor(self.elements.add(Softmax(self.whole(x), axis)))
            case Binary("@", lhs, rhs):
                return self._product(lhs, rhs)
            case Binary("*", lhs, rhs) if not self._broadcast(self._term(lhs), self._term(rhs)):
                self.builder.found.append(errors.read_as_product(self.site.place))
                return self._product(lhs, rhs)
        return with_children(expr, self._term)

    def _name(self, id: str) -> Expr:
        if id in self.tensors:
            return Tensor(self._tensor(id))
        sizes = {*self.builder.symbols, *self.site.scope.parameters, *HEAD_DIM_NAMES}
        if id in sizes.intersection(INDICES):
            self.builder.found.append(errors.size_or_index(part(self.site.label, id), id))
            raise Reported
        if id not in sizes.union(INDICES):
            raise self._unknown(id)
        return Name(id)

    def _index(self, expr: Expr) -> Expr:
        """A part within brackets, where index names win over those of tensors."""
        match expr:
            case Name(id) if id in INDICES:
                return expr
            case Name() | Tensor() | Unary("ᵀ") | Call("softmax") | Binary("@"):
                return self._term(expr)
        return with_children(expr, self._index)

    def _tensor(self, known_as: str) -> str:
        if known_as not in self.tensors:
            raise self._unknown(known_as)
        name = self.tensors[known_as].name
        assert name is not None
        return name

    def _unknown(self, id: str) -> Reported:
        scope = sorted({*self.tensors, *self.builder.symbols})
        report_unknown(self.builder, self.site, id, [*INDICES, *scope])
        return Reported()

    def _product(self, lhs: Expr, rhs: Expr) -> Tensor:
        sides = [Argument(self._side(side), self.site.place) for side in (lhs, rhs)]
        product = build_matmul(self.builder, self.elements.inner(), sides)
        return Tensor(self.elements.made(product))

    def _side(self, expr: Expr) -> Value:
        """A side of a product; that of a tensor by its name has its role."""
        if isinstance(expr, Name) and expr.id in self.tensors:
            return self.tensors[expr.id]
        return Value(self.whole(expr))

    def _broadcast(self, lhs: Expr, rhs: Expr) -> bool:
        """Whether the shapes of both broadcast, as far as they have any."""
        left, right = self.elements.type_of(lhs), self.elements.type_of(rhs)
        if left is None or right is None:
            return True
        try:
            broadcast(replace(left, dtype=right.dtype), right)
        except TypeMismatch:
            return False
        return True
