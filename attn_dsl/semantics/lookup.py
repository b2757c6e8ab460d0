"""Counts and parameters of modules: from metadata, from settings, by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attn_dsl.semantics.builder import Builder


def setting(builder: Builder, name: str, path: Sequence[str], said: Any = None) -> Any:
    """The setting `name` for what stands at `path`, the longest scope first; None without one.

    `Encoder.MHA.heads` goes before `MHA.heads`, that before what the drawing says there, which
    is `said`, and that before `heads` for all.
    """
    keys = [".".join([*path[start:], name]) for start in range(len(path) + 1)]
    builder.asked.update(keys)
    found = [builder.settings.dims.get(key) for key in keys]
    return next((value for value in (*found[:-1], said, found[-1]) if value is not None), None)
