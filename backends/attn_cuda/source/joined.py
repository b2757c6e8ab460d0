"""Whether the rows of all heads and batches can be one long matrix for a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attn_cuda.cxx.layouts import NOWHERE, Layout
from attn_cuda.cxx.sizes import times
from attn_cuda.cxx.unit import Shape, Unit
from attn_cuda.kernels.elementwise import element
from attn_cuda.kernels.product import factors
from attn_dsl.expr import FALSE, TRUE, Compare, Expr, Name, conjunction, names_in
from attn_dsl.ir import Dim, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Positions


def joined(unit: Unit, chain: Sequence[Statement], layouts: Mapping[str, Layout]) -> Expr:
    """The condition under which heads and batches are just more rows: no tile is half empty then.

    Rows of different heads have to lie as evenly as those of one, in all that is read or written,
    which the strides of inputs tell; the right side is the same for all; and no expression asks
    which row it is at.
    """
    lhs, rhs = (layouts[operand.value] for operand in factors(chain[0]))
    others = [layouts[v] for s in chain for v in s.op.operands if v in layouts]
    shape = unit.shape(chain[-1].name)
    asked = any(isinstance(s.op, Positions) or _asks(element(s)) for s in chain[1:])
    if asked or shape[2] == ONE or rhs.axes[:2] != (NOWHERE, NOWHERE):
        return FALSE
    even = [lhs, layouts[chain[-1].name], *(o for o in others if o != rhs and not _is_same(o))]
    condition: Expr = TRUE
    for part in dict.fromkeys(c for layout in even for c in _evenly(shape, layout)):
        condition = conjunction(condition, part)
    return condition


def _asks(expr: Expr) -> bool:
    return bool({"b", "h", "q"} & set(names_in(expr)))


def _is_same(layout: Layout) -> bool:
    """Whether all rows of all heads are the same."""
    return layout.axes[:3] == (NOWHERE,) * 3


def _evenly(shape: Shape, layout: Layout) -> Iterator[Expr]:
    """What has to hold so that each head begins where a next row of the one before it would."""
    length, step = shape[2], layout.axes[2]
    for dim, stride in ((shape[1], layout.axes[1]), (shape[0], layout.axes[0])):
        if dim != ONE:
            wanted = times(length.to_expr(), step)
            if NOWHERE in (step, stride):
                yield FALSE
            elif Dim.from_expr(stride) != Dim.from_expr(wanted):
                given = isinstance(stride, Name) or isinstance(step, Name)
                yield Compare("==", stride, wanted) if given else FALSE
            length = length * dim
