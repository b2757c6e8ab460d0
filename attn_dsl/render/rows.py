"""Subgraphs with a direction of their own, as far as Graphviz can follow it."""

from __future__ import annotations

from collections.abc import Mapping

from attn_dsl.render.frames import Frame
from attn_dsl.render.reach import between
from attn_dsl.syntax import Diagram, Edge

_UPRIGHT = ("TB", "TD", "BT")


def row_of(diagram: Diagram, frame: Frame, pills: Mapping[str, Edge]) -> list[str]:
    """What stands side by side in `frame`: all in it, if its direction is across the diagram's.

    Graphviz has one direction for all, and across it only rows. There is none where a value
    leaves the subgraph and comes back, since that takes more than one row.
    """
    across = (frame.direction in _UPRIGHT) != (diagram.direction in _UPRIGHT)
    if frame.direction is None or not across or len(frame.nodes) < 2:
        return []
    members = set(frame.nodes)
    if between(diagram, members) - members:
        return []
    inner = [name for name in frame.edges if {pills[name].source, pills[name].target} <= members]
    return [*frame.nodes, *inner]
