"""What belongs together on a page: names that elements share."""

from __future__ import annotations


def link(value: str, part: str = "") -> str:
    """The name of a value of the graph, or of a part of a fused attention: `O/scores`."""
    return f"{value}/{part}" if part else value
