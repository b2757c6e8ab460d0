"""What a node gives to those that use it."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.semantics.drawing import Drawn


@dataclass(frozen=True)
class Value:
    """The value's name in the graph, and its role.

    `name` is None where an error was already reported. `pending` is an input whose type
    follows from its use; it has no name before that. `known_as` are the names by which
    expressions may call it: those of its node, and of the nodes that it passed through.
    `family` says what it has one of for each member: scalars, vectors or heads.
    """

    name: str | None = None
    role: str = ""
    pending: Drawn | None = None
    known_as: tuple[str, ...] = ()
    family: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no value, for a reason that was reported."""
        return self.name is None and self.pending is None
