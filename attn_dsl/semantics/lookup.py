"""Counts and parameters of modules: from metadata, from settings, by default."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.semantics.builder import Builder


def setting(builder: Builder, name: str, path: Sequence[str]) -> int | None:
    """The setting `name` for what stands at `path`, the longest scope first.

    `Encoder.MHA.heads` goes before `MHA.heads`, and that before `heads`.
    """
    for start in range(len(path) + 1):
        key = ".".join([*path[start:], name])
        builder.asked.add(key)
        if key in builder.settings.dims:
            return builder.settings.dims[key]
    return None
