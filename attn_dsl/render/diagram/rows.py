"""Subgraphs with a direction of their own, as far as Graphviz can follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attn_dsl.render.diagram.frames import Frame
from attn_dsl.render.diagram.reach import between
from attn_dsl.syntax import Diagram, Edge


def is_upright(direction: str) -> bool:
    """Whether arrows run down or up."""
    return direction in ("TB", "TD", "BT")


@dataclass(frozen=True)
class Row:
    """Nodes side by side, from the left, or in a drawing that runs sideways from the bottom.

    `ordered` if they are to stand in this order, since no arrows between them say so;
    `backwards` if those arrows run against it.
    """

    ids: list[str]
    ordered: bool
    backwards: bool = False


def row_of(diagram: Diagram, frame: Frame, pills: Mapping[str, Edge]) -> Row | None:
    """What stands side by side in `frame`: all in it, if its direction is across the diagram's.

    Graphviz has one direction for all, and across it only rows. There is no row where a value
    leaves the subgraph and comes back, or where a label would stand on an arrow within it.
    """
    members = set(frame.nodes)
    if frame.direction is None or len(members) < 2:
        return None
    if is_upright(frame.direction) == is_upright(diagram.direction):
        return None
    inner = [edge for edge in diagram.edges if {edge.source, edge.target} <= members]
    named = [name for name in frame.edges if pills[name] in inner]
    labels = sum(edge.label is not None for edge in inner)
    if between(diagram, members) - members or labels > len(named):
        return None
    backwards = frame.direction in ("RL", "TB", "TD")
    if inner:
        return Row([*frame.nodes, *named], ordered=False, backwards=backwards)
    return Row(frame.nodes[::-1] if backwards else frame.nodes, ordered=True)
