"""Counts and parameters of modules: from settings, from metadata, from the module around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attn_dsl.diagnostics import Span
from attn_dsl.ir import Dim
from attn_dsl.semantics.builder import Builder, Lookup
from attn_dsl.semantics.scope import Scope


def setting(
    builder: Builder,
    scope: Scope,
    steps: Sequence[str],
    name: str,
    said: Any = None,
    place: Span | None = None,
    *,
    is_size: bool = False,
) -> Any:
    """What `name` is for the node or subgraph at `steps`, ids from outside in; None if unknown.

    First comes a setting for it, `Encoder.MHA.heads` before `MHA.heads`; then what its metadata
    says, which is `said`, at `place`; then settings for what is around it, `Encoder.heads`; then
    what the module around was given; then `heads` for all, unless a type has a size of that name.
    If it `is_size` in the drawing that asks, and something else is asked for, neither of these
    two is meant.
    """
    path, inside = (*scope.shared, *steps), len(scope.shared)
    own = list(_keys(path, name))
    around = [key for end in range(len(path) - 1, inside, -1) for key in _keys(path[:end], name)]
    outside = [key for end in range(inside, 0, -1) for key in _keys(path[:end], name)]
    given = None if is_size else scope.parameters.get(name)
    bare = [] if is_size or name in builder.declared else [name]
    keys = [*own, *around, *outside, *bare]

    def find(keys: Sequence[str]) -> str | None:
        return next((key for key in keys if key in builder.settings.dims), None)

    answer = find(own)
    if answer is None and said is None:
        answer = find(around)
        if answer is None and given is None:
            answer = find([*outside, *bare])
    if answer is not None:
        builder.lookups[Lookup(tuple(keys), answer)] = None
        return builder.settings.dims[answer]
    lookup = Lookup(tuple(keys), "", None if said is None else place, str(said))
    builder.lookups[lookup] = None
    return given if said is None else said


def count(
    builder: Builder,
    scope: Scope,
    steps: Sequence[str],
    name: str,
    said: Any = None,
    place: Span | None = None,
    *,
    is_size: bool = False,
) -> Any:
    """The same, a size of a module as its number, or as its text if it has none."""
    found = setting(builder, scope, steps, name, said, place, is_size=is_size)
    if not isinstance(found, Dim):
        return found
    return str(found) if found.constant is None else found.constant


def _keys(path: Sequence[str], name: str) -> Iterator[str]:
    """`A.B.name` and `B.name` for the path A, B."""
    return (".".join([*path[start:], name]) for start in range(len(path)))
