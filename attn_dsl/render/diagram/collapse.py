"""A drawing with the insides of its subgraphs left out, from some depth on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from attn_dsl.render.diagram.frames import Nesting
from attn_dsl.render.places import edge_names
from attn_dsl.syntax import Diagram, Edge, Node, Subgraph, Text

SHAPE = "st-rect"
"""A box behind which there are others."""


def collapsed(diagram: Diagram, depth: int) -> tuple[Diagram, Mapping[str, str]]:
    """The drawing in which only subgraphs fewer than `depth` deep are open, and what became a box.

    A subgraph that is not open is a box with its title and the number of boxes inside. The
    mapping gives for every node inside of one the id of that box. Arrows between the same boxes
    are one, unless they say different things.
    """
    nesting = Nesting(diagram)
    closed = {s.id: s for s in diagram.subgraphs if len(nesting.around(s.id)) - 1 >= depth}
    homes = {id: _home(nesting, id, closed) for id in (*diagram.nodes, *closed)}
    inside = {id: home for id, home in homes.items() if home is not None}
    boxes = {id: s for id, s in closed.items() if inside.get(id, id) == id}
    counts = dict.fromkeys(boxes, 0)
    for id, home in inside.items():
        counts[home] += id not in closed
    nodes = {id: n for id, n in diagram.nodes.items() if id not in inside and id not in closed}
    nodes |= {id: _box(subgraph, counts[id]) for id, subgraph in boxes.items()}
    numbers, edges = _edges(diagram, inside)
    kept = {str(old): str(new) for new, old in enumerate(numbers)}
    styles = diagram.link_styles.items()
    found = replace(
        diagram,
        nodes=nodes,
        edges=edges,
        subgraphs=tuple(s for s in diagram.subgraphs if s.id not in closed),
        link_styles={kept.get(n, n): css for n, css in styles if n in kept or n == "default"},
    )
    return found, inside


def _home(nesting: Nesting, id: str, closed: Mapping[str, Subgraph]) -> str | None:
    """The outermost closed subgraph around `id`, or that it is itself."""
    return next((around for around in (*nesting.around(id), id) if around in closed), None)


def _box(subgraph: Subgraph, count: int) -> Node:
    what = f"{count} box" if count == 1 else f"{count} boxes"
    title = Text(f"{subgraph.title.text}<br>{what}", subgraph.title.span)
    parent, classes = subgraph.parent, subgraph.classes
    return Node(subgraph.id, title, SHAPE, subgraph.span, classes=classes, subgraph=parent)


def _edges(diagram: Diagram, inside: Mapping[str, str]) -> tuple[list[int], tuple[Edge, ...]]:
    """The arrows that are left, under the names that they had, and their old numbers."""
    found: dict[tuple[object, ...], tuple[int, Edge]] = {}
    named = zip(edge_names(diagram), diagram.edges, strict=True)
    for number, (name, edge) in enumerate(named):
        ends = inside.get(edge.source, edge.source), inside.get(edge.target, edge.target)
        changed = ends != (edge.source, edge.target)
        if changed and ends[0] == ends[1]:
            continue
        says = edge.label.text if edge.label else ""
        key = (*ends, says, edge.stroke, edge.arrow) if changed else (number,)
        new = replace(edge, source=ends[0], target=ends[1], id=name)
        found.setdefault(key, (number, new))
    return [number for number, _ in found.values()], tuple(edge for _, edge in found.values())
