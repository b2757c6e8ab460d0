"""Short names within a fused operation, where values are called by the paths of modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attn_dsl.ir.ops import Op


def local_names(name: str, op: Op) -> tuple[str, Mapping[str, str]]:
    """The path that all copies of a module share, and the values' names without their path.

    `Encoder_0_MHA_heads`, made of `Encoder_0_MHA_q_heads` and so on, gives `Encoder_MHA_` and
    `heads`, `q_heads`. Names that would no longer differ stay as they are.
    """
    path = _path([name, *op.direct])
    shared = "".join(f"{part}_" for part in path.split("_") if part and not part.isdecimal())
    names = {value: _local(value, path, shared) for value in (*op.operands, name)}
    if len(set(names.values())) < len(names):
        return "", {}
    return shared, names


def _path(names: Iterable[str]) -> str:
    """What all names begin with, as far as whole words go; the last word of each is its own."""
    parts = [name.split("_") for name in names]
    count = 0
    while all(len(p) > count + 1 for p in parts) and len({p[count] for p in parts}) == 1:
        count += 1
    return "".join(f"{part}_" for part in parts[0][:count])


def _local(name: str, path: str, shared: str) -> str:
    short = name.removeprefix(path) if name.startswith(path) else name.removeprefix(shared)
    return short if short.isidentifier() else name
