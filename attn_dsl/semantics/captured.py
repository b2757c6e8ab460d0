"""What the names in an expression mean: indices, the score, sizes, tensors with an arrow in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attn_dsl.diagnostics import Span
from attn_dsl.expr import INDICES, SCORE, Expr, names_in, resolve, tensors_in
from attn_dsl.ir import TensorType
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Text


def mentioned(expr: Expr, argument: Argument) -> bool:
    """Whether `expr` names the argument, which so is captured."""
    names = {*names_in(expr), *tensors_in(expr)} - {*INDICES, SCORE.id}
    return not names.isdisjoint(argument.value.known_as)


def bind_tensors(expr: Expr, values: Sequence[tuple[Argument, str]]) -> Expr:
    """Let the names of the arguments mean their values."""
    tensors = {name: value for argument, value in values for name in argument.value.known_as}
    return resolve(expr, tensors)


def check_names(
    builder: Builder,
    site: Site,
    expr: Expr,
    captured: Sequence[Argument] = (),
    *,
    indices: bool = True,
) -> bool:
    """Report names that are no index, no size and no tensor with an arrow into the node."""
    tensors = [name for argument in captured for name in argument.value.known_as]
    scope = [*INDICES, SCORE.id] if indices else []
    scope += sorted(builder.symbols)
    unknown = [name for name in sorted(names_in(expr)) if name not in (*scope, *tensors)]
    unknown += [name for name in tensors_in(expr) if name not in tensors]
    for name in unknown:
        report_unknown(builder, site, name, [*scope, *tensors])
    return not unknown


def places_of(label: Text, values: Iterable[Value]) -> dict[str, Span]:
    """Where `label` names the values that it names, by what they are called in the graph."""
    places: dict[str, Span] = {}
    for value in values:
        for known in value.known_as:
            place = part(label, known)
            if value.name is not None and place != label.span:
                places.setdefault(value.name, place)
    return places


def report_unknown(builder: Builder, site: Site, name: str, known: Sequence[str]) -> None:
    """Say that `name` means nothing in the node's expression, and what does."""
    drawn = site.scope.draws(name)
    span = part(site.label, name)
    builder.found.append(errors.unknown_name(span, name, known, drawn=drawn))


def indices_of_no_dim(type_: TensorType) -> set[str]:
    """The indices among b, h, q, k that are always 0, as the type has too few dims."""
    given = 4 if type_.batch else len(type_.dims)
    return set(INDICES[: max(0, 4 - given)])
