"""Statements as they come to be: names, types, origins, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from attn_dsl.diagnostics import Diagnostic, Note, Span
from attn_dsl.ir import Dim, DType, Origin, Statement, TensorType, TypeMismatch
from attn_dsl.ir.ops import Input, Op
from attn_dsl.semantics import errors
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.names import identifier, unique
from attn_dsl.semantics.settings import Settings


@dataclass(frozen=True)
class Value:
    """What a node gives: the value's name in the graph, and its role.

    `name` is None where an error was already reported. `pending` is an input whose type
    follows from its use; it has no name before that. `known_as` are the names by which
    expressions may call it: those of its node, and of the nodes that it passed through.
    """

    name: str | None = None
    role: str = ""
    pending: Drawn | None = None
    known_as: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is no value, for a reason that was reported."""
        return self.name is None and self.pending is None


@dataclass
class Builder:
    """Collects statements and diagnostics.

    `contracted` remembers for scores which dim their product contracted, for `Scale`; `inputs`
    and `masks` which undeclared inputs have got a type from their use, by node.
    """

    settings: Settings
    symbols: frozenset[str]
    statements: dict[str, Statement] = field(default_factory=dict)
    contracted: dict[str, Dim] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    masks: dict[str, tuple[str, str]] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)

    def type_of(self, value: str) -> TensorType:
        """The type of a value that exists."""
        return self.statements[value].type

    @property
    def types(self) -> dict[str, TensorType]:
        """The types of all values so far."""
        return {name: statement.type for name, statement in self.statements.items()}

    def add(self, wish: str, op: Op, origin: Origin) -> str | None:
        """Add a statement called `wish`, or nearly so; None, and an error, if types do not fit."""
        try:
            type_ = op.infer(self.types)
        except TypeMismatch as mismatch:
            self.found.append(self._mismatch(op, origin, mismatch))
            return None
        name = unique(identifier(wish), {*self.statements, *self.symbols})
        self.statements[name] = Statement(name, op, type_, (origin,))
        inherited = next((self.contracted[o] for o in op.operands if o in self.contracted), None)
        if inherited is not None and self.statements[op.operands[0]].type == type_:
            self.contracted[name] = inherited
        return name

    def add_input(self, drawn: Drawn, type_: TensorType, role: str, **flags: bool) -> str | None:
        """Add the input that `drawn` is."""
        name = drawn.name
        for statement in self.statements.values():
            if isinstance(statement.op, Input) and statement.op.name == identifier(name):
                first = statement.origins[0].span
                assert first is not None
                self.found.append(errors.twice(name, first, drawn.node.span))
                return None
        op = Input(identifier(name), str(type_), role, **flags)
        return self.add(name, op, Origin("Input", drawn.node.span))

    def free_input(self, wish: str, target: str) -> str:
        """`wish`, or `<target>_mask` if an input is called so already."""
        names = {s.op.name for s in self.statements.values() if isinstance(s.op, Input)}
        return wish if identifier(wish) not in names else f"{target}_mask"

    def add_mask_input(
        self, name: str, shape: TensorType, place: Span, *, required: bool
    ) -> tuple[str, str]:
        """Add a mask that is boolean or added, as the call will tell: two inputs of one name."""
        forms = (
            ("keep", replace(shape, dtype=DType.BOOL)),
            ("bias", replace(shape, dtype=self.settings.dtype)),
        )
        added = []
        for suffix, type_ in forms:
            op = Input(identifier(name), str(type_), "mask", optional=True, required=required)
            added.append(self.add(f"{name}_{suffix}", op, Origin("Input", place)))
        keep, bias = added
        assert keep is not None
        assert bias is not None
        return keep, bias

    def _mismatch(self, op: Op, origin: Origin, mismatch: TypeMismatch) -> Diagnostic:
        """The error at the operation, with where each operand was declared or computed."""
        notes = []
        for operand in op.operands:
            statement = self.statements[operand]
            span = statement.origins[0].span
            if span is not None:
                notes.append(Note(span, f"{operand} is {statement.type}"))
        assert origin.span is not None
        return errors.mismatch(origin.span, str(mismatch), tuple(notes))
