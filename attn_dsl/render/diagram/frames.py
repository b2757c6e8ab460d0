"""The boxes around nodes: subgraphs as they are nested, and those of fused operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from attn_dsl.render.labels import to_lines
from attn_dsl.syntax import Diagram, Edge


@dataclass
class Frame:
    """A titled box around nodes, operations on edges, and further boxes.

    The outermost one has no id.
    """

    id: str = ""
    title: tuple[str, ...] = ()
    direction: str | None = None
    nodes: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is inside."""
        return not (self.nodes or self.edges or self.frames)

    def walk(self) -> Iterator[Frame]:
        """This box and all inside it."""
        yield self
        for frame in self.frames:
            yield from frame.walk()


def cluster_name(id: str) -> str:
    """What DOT calls the box of a subgraph."""
    return f"cluster_{id}"


class Nesting:
    """Which subgraphs are around a node or an edge, as they were drawn."""

    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        self._parents = {s.id: s.parent or "" for s in diagram.subgraphs}

    def around(self, id: str) -> list[str]:
        """The subgraphs around the node `id`, or around the subgraph `id`, from the outside."""
        at = self._parents.get(id)
        if at is None:
            at = self._diagram.nodes[id].subgraph or ""
        path = []
        while at:
            path.append(at)
            at = self._parents[at]
        return ["", *reversed(path)]

    def common(self, ids: Iterable[str]) -> str:
        """The innermost subgraph around all of `ids`."""
        first, *others = [self.around(id) for id in ids]
        return [around for around in first if all(around in other for other in others)][-1]

    def inside(self, subgraph: str) -> list[str]:
        """All nodes and empty subgraphs inside `subgraph`, however deep."""
        nodes = [id for id in self._diagram.nodes if id not in self._parents]
        filled = {*self._parents.values(), *(self._diagram.nodes[id].subgraph for id in nodes)}
        leaves = [*nodes, *(id for id in self._parents if id not in filled)]
        return [id for id in leaves if subgraph in self.around(id)]


def build_frames(diagram: Diagram, pills: Mapping[str, Edge]) -> Frame:
    """The tree of boxes; `pills` are the edges that carry an operation, by name."""
    nesting = Nesting(diagram)
    frames = {"": Frame()}
    for subgraph in diagram.subgraphs:
        title = to_lines(subgraph.title.text)
        frames[subgraph.id] = Frame(subgraph.id, title, subgraph.direction)
    for id, node in diagram.nodes.items():
        if id not in frames:
            frames[node.subgraph or ""].nodes.append(id)
    for name, edge in pills.items():
        frames[nesting.common((edge.source, edge.target))].edges.append(name)
    for subgraph in reversed(diagram.subgraphs):
        frames[subgraph.parent or ""].frames.insert(0, frames[subgraph.id])
    return frames[""]
