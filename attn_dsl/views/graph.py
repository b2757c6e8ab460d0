"""The typed graph: as it was drawn, after the passes, and what a pass changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attn_dsl.cost_notes import cost_notes, picture_sizes
from attn_dsl.cost_text import at_sizes
from attn_dsl.ir import Graph
from attn_dsl.pipeline import Compiled, analyse
from attn_dsl.render import Picture
from attn_dsl.render.graphs import Network, compared, network_dot, network_mermaid, network_of
from attn_dsl.syntax import Block
from attn_dsl.views.asked import Asked


def graph_picture(block: Block, settings: Mapping[str, Any], asked: Asked) -> Picture:
    """The typed IR as it was drawn, or, if asked for, what a pass changed."""
    if asked.diff is not None:
        return _difference(block, settings, asked.diff)
    compiled = analyse(block, settings)
    return network_picture(compiled, compiled.drawn)


def fused_picture(block: Block, settings: Mapping[str, Any], asked: Asked) -> Picture:
    """The typed IR after the passes, with frames around what they fused."""
    compiled = analyse(block, settings)
    return network_picture(compiled, compiled.fused)


def network_picture(compiled: Compiled, graph: Graph) -> Picture:
    """The picture of `graph`, with what its values cost."""
    sizes = picture_sizes(graph, compiled.settings.dims)
    notes = cost_notes(graph, sizes)
    network = network_of(graph, compiled.diagram.direction, notes, _caption(graph, sizes))
    return _drawn(network)


def _difference(block: Block, settings: Mapping[str, Any], name: str) -> Picture:
    """What the pass called `name` changed, or all passes together if it is `all`.

    Raises ValueError if there is no such pass.
    """
    stages: dict[str, Graph] = {}
    compiled = analyse(block, settings, stages.__setitem__)
    names = list(stages)
    if name not in (*names[1:], "all"):
        raise ValueError(f"there is no pass {name!r}; passes are {', '.join([*names[1:], 'all'])}")
    last = names[-1] if name == "all" else name
    first = names[0] if name == "all" else names[names.index(name) - 1]
    before, after = stages[first], stages[last]
    sizes = picture_sizes(before, compiled.settings.dims)
    caption = f"what {'all passes' if name == 'all' else name} changed, {_caption(after, sizes)}"
    old, new = ((graph, cost_notes(graph, sizes)) for graph in (before, after))
    return _drawn(compared(old, new, compiled.diagram.direction, caption))


def _drawn(network: Network) -> Picture:
    links = {box.id: box.links for box in network.all_boxes}
    return Picture(network_dot(network), network_mermaid(network), links)


def _caption(graph: Graph, sizes: Mapping[str, int]) -> str:
    dims = [dim for statement in graph.inputs for dim in statement.type.dims]
    return f"at {at_sizes(sizes, dims)}"
