"""What a node gives to those that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attn_dsl.expr import Expr
from attn_dsl.ir import Dim
from attn_dsl.ir.ops import Positions
from attn_dsl.semantics.drawing import Drawn


@dataclass(frozen=True)
class Stack:
    """How the members of a family lie in one tensor.

    Their axis, of `size`, stands before the last `rank` dims, which are those of one member;
    what stands before it are batch dims. Scalars, of rank 0, are a row [..., 1, size].
    """

    size: Dim
    rank: int


@dataclass(frozen=True)
class Value:
    """The value's name in the graph, and its role.

    `name` is None where an error was already reported. `pending` is an input whose type
    follows from its use; it has no name before that, and then is `called` so. Where it is a
    mask that says itself what it `keeps`, it is no input, and has the shape of the scores it is
    used on. `known_as` are the names by which expressions may call it: those of its node, and of
    the nodes that it passed through. `family` says how it lies where it has a part for each
    member of a family. `outputs` are what a module gives that gives several values, by name; it
    has no other then.
    """

    name: str | None = None
    role: str = ""
    pending: Drawn | None = None
    keeps: Expr | None = None
    known_as: tuple[str, ...] = ()
    family: Stack | None = None
    called: str = ""
    outputs: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_positions(self) -> bool:
        """Whether it is a positional encoding by itself, as long and wide as what it meets."""
        return self.pending is not None and self.pending.meaning.op is Positions

    @property
    def is_condition(self) -> bool:
        """Whether it is a mask by itself, which says what it hides in any scores."""
        return self.keeps is not None or (self.pending is not None and self.pending.meaning.causal)

    @property
    def failed(self) -> bool:
        """Whether there is no value, for a reason that was reported."""
        return self.name is None and self.pending is None and not self.outputs
