"""Subgraphs with a direction of their own, as far as Graphviz can follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attn_dsl.render.frames import Frame
from attn_dsl.render.reach import between
from attn_dsl.syntax import Diagram, Edge


def is_upright(direction: str) -> bool:
    """Whether arrows run down or up."""
    return direction in ("TB", "TD", "BT")


@dataclass(frozen=True)
class Row:
    """Nodes side by side; `ordered` if they are to stand in this order."""

    ids: list[str]
    ordered: bool


def row_of(diagram: Diagram, frame: Frame, pills: Mapping[str, Edge]) -> Row | None:
    """What stands side by side in `frame`: all in it, if its direction is across the diagram's.

    Graphviz has one direction for all, and across it only rows, whose arrows run to the right.
    There is no row where a value leaves the subgraph and comes back.
    """
    members = set(frame.nodes)
    if frame.direction is None or len(members) < 2:
        return None
    if is_upright(frame.direction) == is_upright(diagram.direction):
        return None
    if between(diagram, members) - members:
        return None
    if any(edge.source in members and edge.target in members for edge in diagram.edges):
        inner = [name for name in frame.edges if {pills[name].source, pills[name].target} <= members]
        return Row([*frame.nodes, *inner], ordered=False)
    backwards = frame.direction in ("RL", "BT")
    return Row(frame.nodes[::-1] if backwards else frame.nodes, ordered=True)
