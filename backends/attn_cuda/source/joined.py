"""Whether the rows of all heads and batches can be one long matrix for a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attn_cuda.cxx.layouts import NOWHERE, Layout
from attn_cuda.cxx.sizes import times
from attn_cuda.cxx.unit import Shape, Unit
from attn_cuda.kernels.elementwise import element
from attn_cuda.kernels.product import factors
from attn_dsl.expr import Expr, names_in
from attn_dsl.ir import Dim, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Positions


def is_joined(unit: Unit, chain: Sequence[Statement], layouts: Mapping[str, Layout]) -> bool:
    """Whether a product may treat its heads and batches as more rows: so no tile is half empty.

    Then rows of different heads lie as evenly as those of one, in all that it reads or writes;
    the right side is the same for all; and no expression asks which row it is at.
    """
    lhs, rhs = (layouts[operand.value] for operand in factors(chain[0]))
    others = [layouts[v] for s in chain for v in s.op.operands if v in layouts]
    written, shape = layouts[chain[-1].name], unit.shape(chain[-1].name)
    places = any(isinstance(s.op, Positions) or _asks(element(s)) for s in chain[1:])
    return (
        not places
        and rhs.axes[:2] == (NOWHERE, NOWHERE)
        and all(_evenly(shape, layout) for layout in (lhs, written))
        and all(_evenly(shape, o) or _is_same(o) for o in others if o != rhs)
    )


def _asks(expr: Expr) -> bool:
    return bool({"b", "h", "q"} & set(names_in(expr)))


def _is_same(layout: Layout) -> bool:
    """Whether all rows of all heads are the same."""
    return layout.axes[:3] == (NOWHERE,) * 3


def _evenly(shape: Shape, layout: Layout) -> bool:
    """Whether each head begins where the next row of the one before it would."""
    batch, heads, rows, _ = shape
    if rows == ONE:
        return False
    length, step = rows, layout.axes[2]
    for dim, stride in ((heads, layout.axes[1]), (batch, layout.axes[0])):
        if dim != ONE:
            wanted = times(length.to_expr(), step) if step != NOWHERE else NOWHERE
            if Dim.from_expr(stride) != Dim.from_expr(wanted):
                return False
            length = length * dim
    return step != NOWHERE
