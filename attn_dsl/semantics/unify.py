"""The sizes of a module's own types, from the types of what it is given."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.expr import substitute
from attn_dsl.ir import Dim, TensorType


def in_sizes(dim: Dim, sizes: Mapping[str, Dim]) -> Dim:
    """`dim` with the symbols in `sizes` replaced."""
    known = {symbol: size.to_expr() for symbol, size in sizes.items()}
    return Dim.from_expr(substitute(dim.to_expr(), known))


def unify(declared: TensorType, given: TensorType, sizes: dict[str, Dim]) -> bool:
    """Whether `given` is of the type `declared` for some sizes of its symbols.

    `sizes` are those that are known; a symbol that is met for the first time is added.
    """
    extra = len(given.dims) - len(declared.dims)
    if declared.dtype is not given.dtype or extra < 0:
        return False
    if not declared.batch and (extra or given.batch):
        return False
    pairs = list(zip(declared.dims, given.dims[extra:], strict=True))
    for wanted, size in pairs:
        if len(wanted.symbols) == 1 and wanted == Dim.of(wanted.symbols[0]):
            sizes.setdefault(wanted.symbols[0], size)
    return all(in_sizes(wanted, sizes) == size for wanted, size in pairs)
