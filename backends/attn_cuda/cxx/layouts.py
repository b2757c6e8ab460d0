"""Where every value lies: in whose memory, where in it, and how far apart neighbours are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.sizes import count, times
from attn_cuda.cxx.unit import MAX_RANK, Unit, is_optional
from attn_dsl.expr import Binary, Expr, Name, Number
from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import (
    Concatenate,
    Identity,
    Input,
    MergeHeads,
    Op,
    Row,
    Slice,
    SplitHeads,
    Transpose,
    Vector,
)

VIEWS = (Identity, MergeHeads, Row, Slice, SplitHeads, Transpose, Vector)
"""Operations whose result may lie in the memory of what they take."""

Strides = tuple[Expr, ...]
NOWHERE = Number(0)


@dataclass(frozen=True)
class Layout:
    """A value in the memory of `base`, from element `offset` on.

    `strides` are how many elements apart neighbours are, one for each dim; 0 along a dim of 1.
    """

    base: str
    strides: Strides
    offset: Expr | None = None

    @property
    def axes(self) -> Strides:
        """The strides along batch, head, row and column."""
        return (NOWHERE,) * (MAX_RANK - len(self.strides)) + self.strides


def contiguous(dims: tuple[Dim, ...]) -> Strides:
    """The strides of a tensor without gaps."""
    return tuple(
        NOWHERE if dim == ONE else count(dims[axis + 1 :]) for axis, dim in enumerate(dims)
    )


def layouts_of(unit: Unit, computed: Iterable[str]) -> dict[str, Layout]:
    """The layouts of inputs, of the values that kernels compute, and of all views of these.

    A computed value lies as its reader wants it, where that costs nothing: an attention whose
    heads are merged writes them side by side. Where merged heads do not lie so, they are copied,
    and have memory of their own. What is not stored has no layout.
    """
    graph = unit.graph
    wishes = _wishes(unit)
    kernels = set(computed)
    layouts: dict[str, Layout] = {}
    for statement in graph.statements:
        name, dims = statement.name, statement.type.dims
        if isinstance(statement.op, Input):
            layouts[name] = Layout(name, _given(unit, statement))
        elif isinstance(statement.op, Concatenate):
            layouts[name] = Layout(name, contiguous(dims))
        elif name in kernels:
            layouts[name] = Layout(name, wishes.get(name, contiguous(dims)))
        elif isinstance(statement.op, VIEWS) and statement.op.x in layouts:
            seen = _view(graph, statement.op, layouts)
            layouts[name] = seen or Layout(name, contiguous(dims))
    return layouts


def stride_names(unit: Unit, value: str) -> tuple[str, str]:
    """The launcher's parameter for the strides of an input, and what those without gaps are."""
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values())
    wishes = f"{value}_strides", f"{value}_contiguous"
    names = identifiers(wishes, taken)
    return names[wishes[0]], names[wishes[1]]


def given_strides(unit: Unit, value: str) -> tuple[Name, ...]:
    """What the strides that a caller gives of an input are called."""
    name, _ = stride_names(unit, value)
    return tuple(Name(f"{name}[{dim}]") for dim in range(len(unit.graph.types[value].dims)))


def _given(unit: Unit, statement: Statement) -> Strides:
    """The strides of an input: the last one is 1, but where an optional tensor may repeat."""
    strides: list[Expr] = [*given_strides(unit, statement.name)]
    if strides and not is_optional(statement):
        strides[-1] = Number(1)
    return _where_there_is_one(statement.type.dims, strides)


def _wishes(unit: Unit) -> Mapping[str, Strides]:
    """The strides that a value needs so that an output, or merged heads, lie without gaps."""
    graph = unit.graph
    merged = (s.name for s in graph.statements if isinstance(s.op, MergeHeads))
    found: dict[str, Strides] = {}
    for value in (*(value for _, value in graph.outputs), *merged):
        base, strides = value, contiguous(graph.types[value].dims)
        while isinstance(op := graph.table[base].op, VIEWS):
            before = behind(graph, graph.table[base], strides)
            if not before:
                break
            base, strides = op.x, before
        found.setdefault(base, strides)
    return found


def _view(graph: Graph, op: Op, layouts: Mapping[str, Layout]) -> Layout | None:
    """Where the result of `op` lies in the memory of its operand, if it does."""
    assert isinstance(op, VIEWS)
    x, dims = layouts[op.x], graph.types[op.x].dims
    strides, offset = list(x.strides), x.offset
    match op:
        case Transpose():
            strides[-2:] = strides[-1], strides[-2]
        case Row(_, axis):
            strides.insert(len(strides) + 1 + axis, NOWHERE)
        case Vector():
            del strides[-2]
        case Slice(_, first, _):
            skipped = times(first, strides[-1])
            offset = skipped if offset is None else Binary("+", offset, skipped)
        case SplitHeads(_, heads):
            strides.insert(len(strides) - 2, _times(dims[-1] / heads, strides[-1]))
        case MergeHeads():
            merged = _merged(dims, strides)
            if merged is None:
                return None
            strides = merged
    return Layout(x.base, _where_there_is_one(op.infer(graph.types).dims, strides), offset)


def _merged(dims: tuple[Dim, ...], strides: list[Expr]) -> list[Expr] | None:
    """The strides of merged heads, if each head begins where the one before it ends."""
    heads, _, width = dims[-3:]
    if width == ONE:
        return [*strides[:-3], strides[-2], strides[-3]]
    step = Dim.from_expr(_times(width, strides[-1]))
    if heads != ONE and step != Dim.from_expr(strides[-3]):
        return None
    return [*strides[:-3], *strides[-2:]]


def _where_there_is_one(dims: tuple[Dim, ...], strides: Sequence[Expr]) -> Strides:
    """The strides, 0 along dims of 1."""
    return tuple(NOWHERE if d == ONE else s for d, s in zip(dims, strides, strict=True))


def behind(graph: Graph, statement: Statement, strides: Strides) -> Strides:
    """The strides with which the operand of a view gives it these; none if none do."""
    op, found = statement.op, list(strides)
    match op:
        case Identity():
            pass
        case Transpose():
            found[-2:] = found[-1], found[-2]
        case Row(_, axis):
            del found[len(found) + axis]
        case Vector():
            found.insert(len(found) - 1, NOWHERE)
        case MergeHeads(x):
            found.insert(len(found) - 2, _times(graph.types[x].dims[-1], found[-1]))
        case _:
            return ()
    assert isinstance(op, VIEWS)
    return _where_there_is_one(graph.types[op.x].dims, found)


def _times(size: Dim, stride: Expr) -> Expr:
    return NOWHERE if stride == NOWHERE else times(size.to_expr(), stride)
