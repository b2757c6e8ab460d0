"""Settings: the front matter's `attn:` entry, and `--set` over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Span, nearest
from attn_dsl.ir import DType
from attn_dsl.syntax import Diagram, Metadata, sub_metadata

KEYS = ("dims", "dtype", "parameters")
MAX_SIZE = 2**40


@dataclass(frozen=True)
class Origin:
    """Where a setting comes from: the call, or the front matter, at `span`."""

    name: str
    value: object
    given: bool
    span: Span | None


@dataclass(frozen=True)
class Settings:
    """Default sizes by symbol, and the element type of what declares none.

    `given` are the names that the call set, `spans` the places of the others.
    """

    dims: Mapping[str, int] = field(default_factory=dict)
    dtype: DType = DType.F32
    given: frozenset[str] = frozenset()
    spans: Mapping[str, Span] = field(default_factory=dict)

    def origin(self, name: str) -> Origin:
        """Where the size `name` comes from."""
        return Origin(name, self.dims[name], name in self.given, self.spans.get(name))


def read_settings(diagram: Diagram, overrides: Mapping[str, Any]) -> Settings:
    """The diagram's settings, with those of the call over them.

    `overrides` maps `dtype` to a type's name and any symbol to a size. Raises DiagnosticError.
    """
    said = diagram.settings
    errors = list(_check_keys(said))
    dims = sub_metadata(said, "dims")
    sizes = {name: size for name, size in overrides.items() if name != "dtype"}
    for name, size in {**dims.values, **sizes}.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 0 < size < MAX_SIZE:
            span = None if name in overrides else dims.spans.get(name)
            message = f"the size of `{name}` is a whole number above 0, not {size!r}"
            errors.append(_error(message, span))
    dtype = overrides.get("dtype", said.values.get("dtype", "f32"))
    if dtype not in [d.value for d in DType]:
        span = None if "dtype" in overrides else said.spans.get("dtype")
        errors.append(_error(f"there is no element type {dtype!r}", span))
    if errors:
        raise DiagnosticError(errors)
    return Settings({**dims.values, **sizes}, DType(dtype), frozenset(sizes), dims.spans)


def _check_keys(said: Metadata) -> Iterator[Diagnostic]:
    """Keys of the front matter that are none, or that hold no mapping where one is needed."""
    for key, value in said.values.items():
        near = nearest(key, KEYS)
        if key not in KEYS:
            help = f"did you mean `{near[0]}`?" if near else ""
            yield _error(f"there is no setting `{key}`", said.spans.get(key), help)
        elif key != "dtype" and not isinstance(value, Mapping):
            what = "symbols to sizes" if key == "dims" else "names to their default sizes"
            yield _error(f"`{key}` maps {what}; this is {value!r}", said.spans.get(key))


def _error(message: str, span: Span | None, help: str = "") -> Diagnostic:
    types = ", ".join(dtype.value for dtype in DType)
    usual = f"settings are `dims: {{N: 1024, D: 64}}` and `dtype:` one of {types}"
    return Diagnostic("E030", message, span, help=help or usual)
