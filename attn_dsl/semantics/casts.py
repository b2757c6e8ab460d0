"""Casts: the element type that a label or metadata says."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.ir import DType
from attn_dsl.ir.ops import Cast
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument, Site, has_operands, typed
from attn_dsl.semantics.vocabulary import ELEMENT_TYPES, cast_type


def build_cast(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """`Cast to f32`, or `Cast` with `dtype: f32` in its metadata."""
    if not has_operands(builder, site, arguments, range(1, 2), "one value"):
        return None
    x = typed(builder, site, arguments[0], None)
    if x is None:
        return None
    dtype = _said(site)
    if dtype is None:
        place = site.data.spans.get("dtype", site.place)
        message = f"`{site.data.values.get('dtype', site.label.text)}` names no element type"
        builder.found.append(errors.bad_cast(place, message))
        return None
    if builder.type_of(x).dtype is dtype:
        return x
    return builder.add(site.wish, Cast(x, dtype.value), site.origin("Cast"))


def _said(site: Site) -> DType | None:
    """The element type that metadata, or else the label, names."""
    data = site.data.values
    if "dtype" in data:
        return ELEMENT_TYPES.get(str(data["dtype"]))
    return cast_type(str(data.get("op", ""))) or cast_type(site.label.text)
