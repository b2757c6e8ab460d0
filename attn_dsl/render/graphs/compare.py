"""What a pass changed: both graphs in one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from attn_dsl.ir import Graph
from attn_dsl.render.graphs.network import Arrow, Box, Change, Network
from attn_dsl.render.graphs.statements import Notes, box_of, is_parameter, output_box


def compared(
    before: tuple[Graph, Notes], after: tuple[Graph, Notes], direction: str, caption: str
) -> Network:
    """The statements of both: those that went away, those that came, and those that stayed.

    A statement that computes its value in another way counts as both. With each graph come the
    lines on the cost of its values.
    """
    old = _Side(before[0], after[0], before[1], Change.REMOVED)
    new = _Side(after[0], before[0], after[1], Change.ADDED)
    boxes = {box.id: box for side in (old, new) for box in side.boxes()}
    arrows = {ends: change for side in (old, new) for ends, change in side.arrows()}
    found = tuple(Arrow(*ends, change=change) for ends, change in arrows.items())
    return Network(after[0].name, direction, tuple(boxes.values()), (), found, caption)


@dataclass(frozen=True)
class _Side:
    """One of the graphs, and what it means that a statement is not in the `other` one."""

    graph: Graph
    other: Graph
    notes: Notes
    change: Change

    def boxes(self) -> Iterator[Box]:
        for statement in self.graph.statements:
            if not is_parameter(statement):
                box = box_of(self.graph, statement, self.notes)
                yield replace(box, id=self.id(statement.name), change=self.of(statement.name))
        yield from (output_box(label, value) for label, value in self.graph.outputs)

    def arrows(self) -> Iterator[tuple[tuple[str, str], Change]]:
        """The ends of each arrow, and whether it comes or goes with the box that it leads to."""
        for statement in self.graph.statements:
            for name in statement.op.operands:
                if not is_parameter(self.graph.table[name]):
                    yield (self.id(name), self.id(statement.name)), self.of(statement.name)
        for label, value in self.graph.outputs:
            yield (self.id(value), output_box(label, value).id), self.of(value)

    def of(self, name: str) -> Change:
        """What happened to a value."""
        stays = self.other.table.get(name) == self.graph.table[name]
        return Change.NONE if stays else self.change

    def id(self, name: str) -> str:
        return f"{self.of(name).value}{name}"
