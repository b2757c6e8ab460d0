"""Sizes that metadata and settings say: numbers, or expressions over other sizes."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.diagnostics import Span
from attn_dsl.expr import ExpressionError, parse, substitute
from attn_dsl.ir import Dim
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder


def read_size(
    builder: Builder, place: Span, name: str, size: object, known: Mapping[str, Dim]
) -> Dim:
    """The size `name: size` over `known` ones; 1, once it was reported that it is none."""
    scope = {symbol: dim.to_expr() for symbol, dim in known.items()}
    try:
        if isinstance(size, Dim):
            return size
        dim = Dim.from_expr(substitute(parse(str(size)), scope))
    except (ExpressionError, ValueError):
        dim = None
    if dim is not None and (dim.symbols or (dim.constant or 0) > 0):
        return dim
    builder.found.append(errors.bad_size(place, name, str(size)))
    return Dim.of(1)
