"""Which dims a drawn matrix product contracts: decided on roles and symbols, never on sizes."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.diagnostics import Note
from attn_dsl.ir import Origin
from attn_dsl.ir.ops import MatMul, Transpose
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.heads import serve_heads
from attn_dsl.semantics.site import Argument, Site, has_operands, typed


def build_matmul(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """lhs @ rhs, or lhs @ rhsᵀ where the drawing leaves out the transpose."""
    if not has_operands(builder, site, arguments, range(2, 3), "two values"):
        return None
    ordered = sorted(arguments, key=lambda argument: side_of(*argument.roles))
    lhs, rhs = (typed(builder, site, argument, None) for argument in ordered)
    if lhs is None or rhs is None:
        return None
    roles = [argument.value.role for argument in ordered]
    spelled = [(*argument.value.known_as, "the value")[0] for argument in ordered]
    if _draws_no_transpose(builder, lhs, rhs, roles):
        builder.found.append(errors.read_as_transposed(site.place, *spelled))
        origin = Origin("Transpose", ordered[1].place, site.scope.call)
        transposed = builder.add(f"{rhs}_T", Transpose(rhs), origin)
        assert transposed is not None
        rhs = transposed
    if not _contracts(builder, site, lhs, rhs):
        return None
    if _attends(builder, lhs, rhs, roles):
        served = serve_heads(builder, site, lhs, rhs, spelled)
        if served is None:
            return None
        rhs = served
    product = builder.add(site.wish, MatMul(lhs, rhs), site.origin("MatMul"), site.places)
    if product is not None:
        builder.contracted[product] = builder.type_of(lhs).dims[-1]
    return product


def side_of(*roles: str) -> int:
    """`lhs` comes first and `rhs` last, whatever the order of the arrows."""
    return 0 if "lhs" in roles else 2 if "rhs" in roles else 1


def _draws_no_transpose(builder: Builder, lhs: str, rhs: str, roles: list[str]) -> bool:
    """A query times a key as it is, or dims of which only last and last match."""
    left, right = builder.type_of(lhs).dims, builder.type_of(rhs).dims
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-1]:
        return False
    return roles == ["query", "key"] or left[-1] != right[-2]


def _attends(builder: Builder, lhs: str, rhs: str, roles: list[str]) -> bool:
    """Whether this is a query times keys, or weights times values."""
    is_transposed = isinstance(builder.statements[rhs].op, Transpose)
    return is_transposed or lhs in builder.contracted or roles[1] in ("key", "value")


def _contracts(builder: Builder, site: Site, lhs: str, rhs: str) -> bool:
    """Whether the dims match; if not, the error shows where both come from."""
    left, right = builder.type_of(lhs), builder.type_of(rhs)
    if len(left.dims) < 2 or len(right.dims) < 2 or left.dims[-1] == right.dims[-2]:
        return True  # whatever else is wrong, the operation itself says so
    notes = []
    for value in (lhs, rhs):
        span = builder.statements[value].origins[0].span
        if span is not None:
            notes.append(Note(span, f"{value} is {builder.type_of(value)}"))
    message = f"the product contracts {left.dims[-1]} of {lhs} with {right.dims[-2]} of {rhs}"
    help = "different symbols never match: give the dims that are the same size one name"
    builder.found.append(errors.mismatch(site.place, message, tuple(notes), help))
    return False
