"""Settings: the front matter's `attn:` entry, and `--set` over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Span
from attn_dsl.ir import DType
from attn_dsl.syntax import Diagram

KEYS = ("dims", "dtype", "parameters")
MAX_SIZE = 2**40


@dataclass(frozen=True)
class Settings:
    """Default sizes by symbol, and the element type of what declares none."""

    dims: Mapping[str, int] = field(default_factory=dict)
    dtype: DType = DType.F32


def read_settings(diagram: Diagram, overrides: Mapping[str, Any]) -> Settings:
    """The diagram's settings, with those of the call over them.

    `overrides` maps `dtype` to a type's name and any symbol to a size. Raises DiagnosticError.
    """
    errors: list[Diagnostic] = []
    values = dict(diagram.settings.values)
    dims = values.pop("dims", {})
    if not isinstance(dims, Mapping):
        errors.append(_error(f"`dims` maps symbols to sizes; this is {dims!r}", diagram, "dims"))
        dims = {}
    dtype = overrides.get("dtype", values.pop("dtype", "f32"))
    values = {key: value for key, value in values.items() if key not in KEYS}
    for key in values:
        errors.append(_error(f"there is no setting `{key}`", diagram, key))
    sizes = dict(dims) | {name: value for name, value in overrides.items() if name != "dtype"}
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 0 < size < MAX_SIZE:
            where = None if name in overrides else "dims"
            message = f"the size of `{name}` is a whole number above 0, not {size!r}"
            errors.append(_error(message, diagram, where))
    if dtype not in [d.value for d in DType]:
        where = None if "dtype" in overrides else "dtype"
        errors.append(_error(f"there is no element type {dtype!r}", diagram, where))
    if errors:
        raise DiagnosticError(errors)
    return Settings({str(name): size for name, size in sizes.items()}, DType(dtype))


def _error(message: str, diagram: Diagram, key: str | None) -> Diagnostic:
    span: Span | None = diagram.settings.spans.get(key) if key else None
    types = ", ".join(dtype.value for dtype in DType)
    help = f"settings are `dims: {{N: 1024, D: 64}}` and `dtype:` one of {types}"
    return Diagnostic("E030", message, span, help=help)
