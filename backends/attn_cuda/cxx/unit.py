"""The graph as the emitted file sees it: C names, and at most four dims in every type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from attn_cuda.cxx.apart import take_apart
from attn_cuda.cxx.names import identifiers
from attn_dsl.expr import Expr, Kind
from attn_dsl.ir import Dim, DType, Graph, Statement, TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Input, TiledAttention, TiledScores

MAX_HEAD_DIM = 256
MAX_RANK = 4  # batch, head, row, column
BATCH_DIMS = ("batch", "heads")
HALVES = (DType.F16, DType.BF16)
"""What is stored in 16 bits, and computed with in float."""
Shape = tuple[Dim, Dim, Dim, Dim]


@dataclass(frozen=True)
class Unit:
    """What is printed into one file.

    `graph` has C identifiers as value names, and no `...`: the symbols `batch` stand in its
    place. `types` are those that the diagram has, as text. `symbols` gives each size its C
    identifier, `constants` the values of those that are compiled in. What kernels leave to each
    other and is no value of the graph is `between` them. `drawn` are the names that values had.
    """

    graph: Graph
    types: Mapping[str, str]
    symbols: Mapping[str, str]
    constants: Mapping[str, int]
    batch: tuple[str, ...]
    between: Mapping[str, TensorType] = field(default_factory=dict)
    drawn: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, value: str) -> TensorType:
        """The type of a value of the graph, or of what is `between` two kernels."""
        return self.between.get(value) or self.graph.types[value]

    @cached_property
    def runtime(self) -> tuple[str, ...]:
        """The sizes that the launcher is told, in its order: those of `...` come last."""
        return tuple(s for s in self.symbols if s not in self.constants)

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """What an element of each value is."""
        return {name: type_.dtype.kind for name, type_ in self.graph.types.items()}

    @cached_property
    def kernels(self) -> Mapping[str, str]:
        """A kernel's name for each value that an operation computes."""
        computed = [s for s in self.graph.statements if not isinstance(s.op, Input)]
        wishes = {s.name: f"{s.op.mnemonic.removeprefix('tiled_')}_{s.name}" for s in computed}
        names = identifiers(wishes.values(), (*self.graph.table, *self.symbols.values()))
        return {value: names[wish] for value, wish in wishes.items()}

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional inputs, in the order of the arguments."""
        return tuple(s.name for s in self.graph.inputs if is_optional(s))

    def shape(self, value: str) -> Shape:
        """Batch, heads, rows and columns of a value; 1 for the dims that it has not."""
        return four(self.graph.types[value])


def four(type_: TensorType) -> Shape:
    """The dims of `type_`, with ones before them."""
    batch, heads, rows, columns = (ONE,) * (MAX_RANK - len(type_.dims)) + type_.dims
    return batch, heads, rows, columns


def is_optional(statement: Statement) -> bool:
    """Whether the statement is an input that may be left out."""
    return isinstance(statement.op, Input) and statement.op.optional


def make_unit(graph: Graph, constants: Mapping[str, int]) -> Unit:
    """Name and shape everything for C, with the given sizes compiled in."""
    graph = take_apart(graph)
    batch = batch_symbols(graph)
    symbols = identifiers([*sizes_of(graph), *batch])
    values = identifiers(graph.table, symbols.values())
    dims = tuple(Dim.of(symbol) for symbol in batch)
    statements = tuple(
        replace(s, type=explicit(s.type, dims)) for s in graph.rename(values).statements
    )
    outputs = tuple((label, values[value]) for label, value in graph.outputs)
    types = {values[name]: str(type_) for name, type_ in graph.types.items()}
    drawn = {name: value for value, name in values.items()}
    unit = Unit(Graph(graph.name, statements, outputs), types, symbols, constants, batch)
    return replace(unit, drawn=drawn)


def explicit(type_: TensorType, batch: tuple[Dim, ...]) -> TensorType:
    """The type with `batch` in the place of `...`."""
    return TensorType(type_.dtype, batch + type_.dims) if type_.batch else type_


def batch_symbols(graph: Graph) -> tuple[str, ...]:
    """The symbols for `...`: as many dims as all types that have it leave free, two at most."""
    explicit_dims = [max(len(t.dims) - 2, 0) for t in graph.types.values() if t.batch]
    if not explicit_dims:
        return ()
    free = max(2 - max(explicit_dims), 0)
    return tuple(f"...{name}" for name in BATCH_DIMS[:free])


def sizes_of(graph: Graph) -> tuple[str, ...]:
    """The symbols whose sizes the shapes of the arguments tell."""
    required = (s for s in graph.inputs if not is_optional(s))
    return tuple(dict.fromkeys(symbol for s in required for symbol in s.type.symbols))


def head_dims(statement: Statement, graph: Graph) -> Iterator[Dim]:
    """The dims of a fused statement that have to be constants."""
    if isinstance(statement.op, TiledScores):
        values = (statement.type,) if isinstance(statement.op, TiledAttention) else ()
        dims = (type_.dims[-1] for type_ in (graph.types[statement.op.query], *values))
        yield from dict.fromkeys(dims)


def expressions_of(statement: Statement) -> Iterable[Expr]:
    """The expressions of a statement's operation."""
    return (expr for _, expr in statement.op.fields_of("expression"))
