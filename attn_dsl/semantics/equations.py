"""Equations on whole tensors: `S = Q @ Kᵀ / √D`, `q = W_q * x`, `A = softmax(S, axis=-1)`.

Names are the tensors with an arrow into the node, and sizes. What holds no tensor is a scalar,
and scales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attn_dsl.expr import (
    FUNCTIONS,
    SCORE,
    Binary,
    Call,
    Expr,
    Kind,
    Name,
    Number,
    Tensor,
    Unary,
    kind_of,
    names_in,
    substitute,
    walk,
)
from attn_dsl.ir import TypeMismatch, broadcast
from attn_dsl.ir.ops import (
    Add,
    Divide,
    Elementwise,
    Multiply,
    Op,
    Scale,
    Score,
    Softmax,
    Subtract,
    Transpose,
)
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.matmul import build_matmul
from attn_dsl.semantics.scaling import HEAD_DIM_NAMES, with_sizes
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.values import Value

ELEMENTWISE: Mapping[str, type[Elementwise]] = {
    "+": Add,
    "-": Subtract,
    "*": Multiply,
    "/": Divide,
}


@dataclass(frozen=True)
class Whole:
    """A tensor of the graph, by its name; `known_as` is what the drawing calls it."""

    name: str
    role: str = ""
    known_as: tuple[str, ...] = ()


Term = Whole | Expr
"""What a part of an equation is: a tensor, or a scalar over sizes."""


def _mixes(expr: Expr) -> bool:
    """Whether it takes more than one element of a tensor to compute one."""
    match expr:
        case Binary("@") | Unary("ᵀ") | Call("softmax") | Tensor():
            return True
    return False


class _Reported(Exception):
    """A part of the equation is wrong, and that was reported."""


def build_equation(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """The value of the equation that `site` holds; None once what is wrong was reported."""
    assert site.meaning.equation is not None
    said = names_in(site.meaning.equation)
    names = {*said, *(f"{name}ᵀ" for name in said)}
    tensors: dict[str, Whole] = {}
    for argument in arguments:
        if names.isdisjoint(argument.value.known_as):
            builder.found.append(errors.not_mentioned(argument.value.known_as, argument.place))
            continue
        name = typed(builder, site, argument, None)
        if name is None:
            return None
        for known in argument.value.known_as:
            tensors[known] = Whole(name, argument.value.role, argument.value.known_as)
    try:
        result = _Equation(builder, site, tensors).term(site.meaning.equation)
    except _Reported:
        return None
    if not isinstance(result, Whole):
        builder.found.append(errors.no_tensor(site.place))
        return None
    named = result.name not in {whole.name for whole in tensors.values()}
    return builder.rename(result.name, site.wish) if named else result.name


@dataclass
class _Equation:
    """An equation that is being built; `count` numbers its intermediate values."""

    builder: Builder
    site: Site
    tensors: Mapping[str, Whole]
    count: int = 0

    def term(self, expr: Expr) -> Term:
        """The tensor or the scalar that `expr` is."""
        match expr:
            case Number():
                return expr
            case Name(id):
                return self._name(id)
            case Unary("ᵀ", x):
                return self._transposed(x)
            case Unary("-", x):
                return self._scaled(self.term(x), Number(-1))
            case Binary("@", lhs, rhs):
                return self._product(self._whole(lhs), self._whole(rhs))
            case Binary(op, lhs, rhs) if op in (*ELEMENTWISE, "**"):
                return self._binary(op, self.term(lhs), self.term(rhs))
            case Call("softmax", (x, Number(int(axis)))):
                return self._add(Softmax(self._whole(x).name, axis))
            case Call(function, (x,)) if function in FUNCTIONS:
                return self._function(function, self.term(x))
        return self._pointwise(expr)

    def _pointwise(self, expr: Expr) -> Term:
        """`where(x > 0, x, 0)`, `max(x, 0)`, `x % 2`: an expression of single elements."""
        found = {name: self.tensors[name] for name in names_in(expr) if name in self.tensors}
        whole = next(iter(found.values()), None)
        mixed = any(_mixes(part) for part in walk(expr))
        one_tensor = len({w.name for w in found.values()}) == 1
        if whole is None or not one_tensor or mixed or kind_of(expr, {}) is Kind.BOOL:
            self.builder.found.append(errors.no_equation(self.site.place))
            raise _Reported
        inside = substitute(expr, dict.fromkeys(found, SCORE))
        return self._add(Score(whole.name, self._scalar(inside, whole)))

    def _name(self, id: str) -> Term:
        if id in self.tensors:
            return self.tensors[id]
        if {id} & {*self.builder.symbols, *self.site.scope.parameters, *HEAD_DIM_NAMES}:
            return Name(id)
        raise self._unknown(id)

    def _unknown(self, id: str) -> _Reported:
        scope = sorted({*self.tensors, *self.builder.symbols})
        place = part(self.site.label, id)
        drawn = self.site.scope.draws(id)
        self.builder.found.append(errors.unknown_name(place, id, scope, drawn=drawn))
        return _Reported()

    def _scalar(self, expr: Expr, whole: Whole) -> Expr:
        """`expr` in sizes that are known, as it meets `whole`."""
        known = with_sizes(self.builder, self.site, expr, whole.name)
        for name in sorted(names_in(known) - self.builder.symbols - {SCORE.id}):
            raise self._unknown(name)
        return known

    def _transposed(self, x: Expr) -> Term:
        """`Kᵀ` may also be the name of a tensor."""
        if isinstance(x, Name) and f"{x.id}ᵀ" in self.tensors:
            return self.tensors[f"{x.id}ᵀ"]
        return self._add(Transpose(self._whole(x).name))

    def _whole(self, expr: Expr) -> Whole:
        term = self.term(expr)
        if not isinstance(term, Whole):
            self.builder.found.append(errors.no_tensor(self.site.place))
            raise _Reported
        return term

    def _binary(self, op: str, lhs: Term, rhs: Term) -> Term:
        if isinstance(lhs, Whole) and isinstance(rhs, Whole) and op in ELEMENTWISE:
            if op == "*" and not self._broadcast(lhs, rhs):
                self.builder.found.append(errors.read_as_product(self.site.place))
                return self._product(lhs, rhs)
            return self._add(ELEMENTWISE[op](lhs.name, rhs.name))
        if isinstance(lhs, Whole) and not isinstance(rhs, Whole):
            if op in ("*", "/"):
                return self._scaled(lhs, rhs if op == "*" else Binary("/", Number(1), rhs))
            return self._add(Score(lhs.name, Binary(op, SCORE, self._scalar(rhs, lhs))))
        if isinstance(rhs, Whole) and not isinstance(lhs, Whole):
            if op == "*":
                return self._scaled(rhs, lhs)
            return self._add(Score(rhs.name, Binary(op, self._scalar(lhs, rhs), SCORE)))
        if not isinstance(lhs, Whole) and not isinstance(rhs, Whole):
            return Binary(op, lhs, rhs)
        self.builder.found.append(errors.no_equation(self.site.place))
        raise _Reported

    def _broadcast(self, lhs: Whole, rhs: Whole) -> bool:
        try:
            broadcast(self.builder.type_of(lhs.name), self.builder.type_of(rhs.name))
        except TypeMismatch:
            return False
        return True

    def _product(self, lhs: Whole, rhs: Whole) -> Whole:
        values = [Value(w.name, w.role, known_as=w.known_as) for w in (lhs, rhs)]
        sides = [Argument(value, self.site.place) for value in values]
        return self._made(build_matmul(self.builder, self._inner(), sides))

    def _scaled(self, term: Term, factor: Expr) -> Term:
        if not isinstance(term, Whole):
            return Binary("*", term, factor)
        return self._add(Scale(term.name, self._scalar(factor, term)))

    def _function(self, function: str, term: Term) -> Term:
        if not isinstance(term, Whole):
            return Call(function, (term,))
        return self._add(Score(term.name, Call(function, (SCORE,))))

    def _add(self, op: Op) -> Whole:
        title = type(op).__name__
        return self._made(self.builder.add(self._inner().wish, op, self.site.origin(title)))

    def _made(self, name: str | None) -> Whole:
        if name is None:
            raise _Reported
        return Whole(name)

    def _inner(self) -> Site:
        """The site under a name of its own for each value."""
        self.count += 1
        return replace(self.site, wish=f"{self.site.wish}_{self.count}")
