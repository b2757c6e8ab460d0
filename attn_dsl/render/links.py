"""What belongs together on a page: elements that share a name light up together."""

from __future__ import annotations


def link(value: str, part: str = "") -> str:
    """The name of a value of the graph, or of a part of a fused attention, such as `O/scores`."""
    return f"{value}/{part}" if part else value
