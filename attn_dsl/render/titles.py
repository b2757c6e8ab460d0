"""The titles of boxes, in front of the arrows.

Graphviz keeps arrows away from boxes, but not from their titles, and draws them over the text.
So once all has its place, each title becomes a node on the ground of its box, and nodes are
drawn last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PREFIX = "title of "
_PAD = 0.06  # inches


def raise_titles(graph: Any) -> None:
    """Put a node in the place of every title of `graph`, which has been laid out."""
    graph.graph_attr["outputorder"] = "edgesfirst"
    for box in list(_boxes(graph)):
        said = box.graph_attr
        if said["label"].removesuffix("\\l").strip():
            graph.add_node(PREFIX + box.name, pos=said["lp"], **_title(said))
            said["label"] = ""


def _title(said: Any) -> dict[str, str]:
    size = {"width": str(float(said["lwidth"]) + _PAD), "height": said["lheight"]}
    text = {name: said[name] for name in ("label", "fontsize", "fontcolor", "fillcolor")}
    frame = {"shape": "box", "style": "filled", "penwidth": "0", "margin": "0", "fixedsize": "true"}
    kept = {"class": said["class"]} if said.get("class") else {}
    return {**frame, **size, **text, **kept}


def _boxes(graph: Any) -> Iterator[Any]:
    for box in graph.subgraphs():
        if str(box.name or "").startswith("cluster"):
            yield box
            yield from _boxes(box)
