"""The graph: statements in SSA form, ordered by use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from attn_dsl.diagnostics import Span
from attn_dsl.ir.dims import Dim
from attn_dsl.ir.ops import Input, Op
from attn_dsl.ir.types import TensorType

if TYPE_CHECKING:
    import networkx as nx

ROLES = ("query", "key", "value")


@dataclass(frozen=True)
class Origin:
    """A drawn operation that a statement came from: what it does, and where it was drawn.

    Inside a module `span` is in the module's file, and `call` where the user's drawing calls it.
    `twins` are the places of the other members of a family, for which `span` stands.
    """

    title: str
    span: Span | None = None
    call: Span | None = None
    twins: tuple[Span, ...] = ()

    @property
    def place(self) -> Span | None:
        """Where it stands in the user's own drawing."""
        return self.call or self.span


@dataclass(frozen=True)
class Statement:
    """`%name = op : type`. Where it came from does not count for equality."""

    name: str
    op: Op
    type: TensorType
    origins: tuple[Origin, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Graph:
    """Statements, operands before users, and the outputs as pairs of label and value name.

    Build one with `Graph.ordered`, which gives equal programs equal order.
    """

    name: str
    statements: tuple[Statement, ...]
    outputs: tuple[tuple[str, str], ...]

    @staticmethod
    def ordered(
        name: str, statements: Iterable[Statement], outputs: Iterable[tuple[str, str]]
    ) -> Graph:
        """Order by use and drop what no output needs.

        Inputs come first: query, key and value, then the others as a walk from the outputs
        meets them, then parameters, optional ones last. The order so depends on the meaning of
        the drawing and not on the order of its lines.
        """
        table = {statement.name: statement for statement in statements}
        outputs = tuple(outputs)
        reached = _reached(table, [value for _, value in outputs])
        inputs = [s for s in reached if isinstance(s.op, Input)]
        inputs.sort(key=_input_rank)
        rest = [s for s in reached if not isinstance(s.op, Input)]
        return Graph(name, (*inputs, *rest), outputs)

    @cached_property
    def table(self) -> Mapping[str, Statement]:
        """Statements by the value that they define."""
        return {statement.name: statement for statement in self.statements}

    @cached_property
    def types(self) -> Mapping[str, TensorType]:
        """The type of every value."""
        return {statement.name: statement.type for statement in self.statements}

    @cached_property
    def inputs(self) -> tuple[Statement, ...]:
        """The statements that are inputs, in the order of the arguments."""
        return tuple(s for s in self.statements if isinstance(s.op, Input))

    @cached_property
    def _users(self) -> Mapping[str, Mapping[str, Statement]]:
        users: dict[str, dict[str, Statement]] = {}
        for statement in self.statements:
            for operand in statement.op.operands:
                users.setdefault(operand, {})[statement.name] = statement
        return users

    def users(self, value: str) -> list[Statement]:
        """The statements that use `value`."""
        return list(self._users.get(value, {}).values())

    @cached_property
    def digraph(self) -> nx.DiGraph[str]:
        """Who uses whom, operand to user, for the questions that networkx answers.

        Imported here, as it takes a while to load and compiling asks for direct users alone.
        """
        import networkx  # noqa: PLC0415

        uses: nx.DiGraph[str] = networkx.DiGraph()
        uses.add_nodes_from(self.table)
        uses.add_edges_from((o, s.name) for s in self.statements for o in s.op.operands)
        return uses

    def is_output(self, value: str) -> bool:
        """Whether `value` leaves the graph."""
        return value in self._output_values

    @cached_property
    def _output_values(self) -> frozenset[str]:
        return frozenset(value for _, value in self.outputs)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbolic sizes of all inputs, each once, in order."""
        return tuple(dict.fromkeys(s for i in self.inputs for s in i.type.symbols))

    @cached_property
    def divided(self) -> tuple[Dim, ...]:
        """The dims that are whole numbers at some sizes only, such as E // 8."""
        dims = (dim for statement in self.statements for dim in statement.type.dims)
        return tuple(dict.fromkeys(dim for dim in dims if dim.is_divided))

    def rename(self, names: Mapping[str, str]) -> Graph:
        """The same graph with other value names."""
        statements = tuple(
            Statement(names.get(s.name, s.name), s.op.rename(names), s.type, s.origins)
            for s in self.statements
        )
        outputs = tuple((label, names.get(value, value)) for label, value in self.outputs)
        return Graph(self.name, statements, outputs)


def _reached(table: Mapping[str, Statement], outputs: list[str]) -> list[Statement]:
    """What the outputs need, operands before users, in the order of a walk along operands."""
    order: list[Statement] = []
    seen: set[str] = set()
    stack = [(value, False) for value in reversed(outputs)]
    while stack:
        value, complete = stack.pop()
        if complete:
            order.append(table[value])
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack += [(operand, False) for operand in reversed(table[value].op.operands)]
    return order


def _input_rank(statement: Statement) -> tuple[bool, bool, int]:
    op = statement.op
    assert isinstance(op, Input)
    role = ROLES.index(op.role) if op.role in ROLES else len(ROLES)
    return op.optional and not op.required, op.parameter, role
