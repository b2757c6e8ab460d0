"""Where a drawing is elaborated: in a file, in a module that a node calls, in a repetition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from attn_dsl.diagnostics import Span
from attn_dsl.ir import Dim
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Diagram, Subgraph

Path = tuple[str, ...]
"""Ids of nodes: calls of modules, and a node inside the last."""

_COUNTED = re.compile(r"subGraph\d+")
"""Mermaid's ids of subgraphs that have a title alone; they are no part of a path."""


@dataclass(frozen=True)
class Scope:
    """A drawing and what is given to it.

    `prefix` is the path of the node that calls this module, with repeat indices, and `shared`
    the same without; `owned` is what the names of parameters begin with. `indices` are the
    repetitions that are being elaborated, by subgraph. `bound` are the values of a module's
    inputs by node, and `masks` those for optional masks by path, in it or in modules inside;
    `parameters` are its sizes by name, `call` where it is called in the user's own drawing, and
    `modules` the paths of what is being instantiated, by file and place.
    """

    diagram: Diagram
    drawing: Mapping[str, Drawn]
    prefix: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    indices: Mapping[str, int] = field(default_factory=dict)
    bound: Mapping[str, Value] = field(default_factory=dict)
    masks: Mapping[Path, tuple[Value, ...]] = field(default_factory=dict)
    parameters: Mapping[str, Dim] = field(default_factory=dict)
    call: Span | None = None
    modules: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def repeated(self, subgraph: str, index: int) -> Scope:
        """The same scope in one copy of `subgraph`."""
        return replace(self, indices={**self.indices, subgraph: index})

    def draws(self, name: str) -> bool:
        """Whether a node has this id or this name."""
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.drawing) | {drawn.name for drawn in self.drawing.values()}

    def path(self, drawn: Drawn) -> tuple[str, ...]:
        """Ids of the subgraphs around a node, the repeat indices, its own id."""
        return (*self.prefix, *self._around(drawn, indexed=True), drawn.node.id)

    def shared_path(self, drawn: Drawn) -> tuple[str, ...]:
        """The same without repeat indices: one name for all copies."""
        return (*self.shared, *self.steps(drawn))

    def steps(self, drawn: Drawn) -> tuple[str, ...]:
        """Ids of the subgraphs around a node, its own id: its path in its own drawing."""
        return (*self._around(drawn, indexed=False), drawn.node.id)

    def parameter_path(self, drawn: Drawn) -> tuple[str, ...]:
        """What the names of a node's parameters begin with: its path, or what `params` says.

        In `params`, `{i}` is the index of the innermost repetition.
        """
        said = drawn.node.data.values.get("params")
        if said is None:
            return (*self.owned, *self._around(drawn, indexed=True), drawn.node.id)
        index = next(reversed(list(self.indices.values())), 0)
        return (str(said).replace("{i}", str(index)),)

    def wish(self, drawn: Drawn) -> str:
        """What to call a node's value: its id, or its path where there may be several."""
        nested = self.prefix or self.indices
        return "_".join(self.path(drawn)) if nested else drawn.node.id

    def within(self, subgraph: Subgraph) -> tuple[str, ...]:
        """The ids of a subgraph and of those around it, outermost first."""
        around = [outer.id for outer in self._outwards(subgraph.parent)]
        return (*reversed(around), subgraph.id)

    def _around(self, drawn: Drawn, *, indexed: bool) -> Iterator[str]:
        for subgraph in reversed(list(self.around(drawn))):
            if not _COUNTED.fullmatch(subgraph.id):
                yield subgraph.id
            if indexed and subgraph.id in self.indices:
                yield str(self.indices[subgraph.id])

    def around(self, drawn: Drawn) -> Iterator[Subgraph]:
        """The subgraphs that hold a node, innermost first."""
        return self._outwards(drawn.node.subgraph)

    def _outwards(self, id: str | None) -> Iterator[Subgraph]:
        """The subgraph `id`, and those around it."""
        by_id = self.diagram.subgraphs_by_id
        seen: set[str] = set()  # one may hold another of its own id
        while id is not None and id in by_id and id not in seen:
            yield by_id[id]
            seen.add(id)
            id = by_id[id].parent
