"""A file's picture: what its boxes mean decides their colours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn_dsl.cost_notes import cost_notes, picture_sizes
from attn_dsl.cost_text import at_sizes
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.given import Given, read_given
from attn_dsl.ir import Graph
from attn_dsl.pipeline import Compiled, analyse
from attn_dsl.render import (
    Picture,
    Theme,
    diagram_dot,
    drawn_links,
    format_of,
    mermaid_text,
    node_operations,
    node_types,
    write,
)
from attn_dsl.render.graphs import Network, compared, network_dot, network_mermaid, network_of
from attn_dsl.render.trace import trace_picture
from attn_dsl.semantics import drawn_operations
from attn_dsl.syntax import Block, Diagram, parse

NOTHING_GIVEN = Given()


def write_picture(
    block: Block,
    path: Path,
    view: str,
    settings: Mapping[str, Any],
    theme: Theme = Theme.LIGHT,
    given: Given = NOTHING_GIVEN,
) -> None:
    """Draw `block` to `path`; `view` is one of `VIEWS`, or of `NUMBERS`, which show what is given.

    Raises DiagnosticError if it cannot be drawn or written, and ValueError and TypeError for
    inputs that do not fit. The diagram's own view needs no more than a drawing that parses.
    """
    format_of(path)
    if view in NUMBERS:
        picture = NUMBERS[view](block, settings, given)
    elif given != NOTHING_GIVEN:
        names = " or ".join(NUMBERS)
        message = f"--inputs, --seed, --of, --head and --tokens are for --view {names}"
        raise ValueError(f"{message}; this view is {view}")
    else:
        picture = VIEWS[view](block, settings)
    write(picture, path, theme)


def _diagram(block: Block, settings: Mapping[str, Any]) -> Picture:
    diagram = parse(block.source, block.start, block.end)
    operations, types, links = _meanings(block, diagram, settings)
    dot, mermaid = diagram_dot(diagram, operations, types), mermaid_text(diagram, operations)
    return Picture(dot, mermaid, links)


def _graph(block: Block, settings: Mapping[str, Any]) -> Picture:
    """The typed IR as it was drawn."""
    compiled = analyse(block, settings)
    return network_picture(compiled, compiled.drawn)


def _fused(block: Block, settings: Mapping[str, Any]) -> Picture:
    """The typed IR after the passes, with frames around what they fused."""
    compiled = analyse(block, settings)
    return network_picture(compiled, compiled.fused)


def network_picture(compiled: Compiled, graph: Graph) -> Picture:
    """The picture of `graph`, with what its values cost."""
    sizes = picture_sizes(graph, compiled.settings.dims)
    notes = cost_notes(graph, sizes)
    network = network_of(graph, compiled.diagram.direction, notes, _caption(graph, sizes))
    return _drawn(network)


def write_difference(
    block: Block, path: Path, settings: Mapping[str, Any], name: str, theme: Theme = Theme.LIGHT
) -> None:
    """Draw to `path` what the pass called `name` changed, or all passes together if it is `all`.

    Raises DiagnosticError as `write_picture` does, and ValueError if there is no such pass.
    """
    format_of(path)
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
    network = compared(old, new, compiled.diagram.direction, caption)
    write(_drawn(network), path, theme)


def _drawn(network: Network) -> Picture:
    links = {box.id: box.links for box in network.all_boxes}
    return Picture(network_dot(network), network_mermaid(network), links)


def _caption(graph: Graph, sizes: Mapping[str, int]) -> str:
    dims = [dim for statement in graph.inputs for dim in statement.type.dims]
    return f"at {at_sizes(sizes, dims)}"


def _trace(block: Block, settings: Mapping[str, Any], given: Given) -> Picture:
    """What an attention computes, in numbers."""
    compiled = analyse(block, settings)
    arrays, tokens = read_given(compiled.fused, compiled.settings, given)
    return trace_picture(compiled.fused, arrays, given.of, given.head, tokens)


VIEWS = {"diagram": _diagram, "graph": _graph, "fused": _fused}
NUMBERS = {"trace": _trace}


def _meanings(
    block: Block, diagram: Diagram, settings: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    """Operations, types and links of the nodes; from the words alone where it does not compile."""
    try:
        compiled = analyse(block, settings)
    except DiagnosticError:
        return drawn_operations(diagram), {}, {}
    drawn = compiled.drawn
    links = drawn_links(diagram, compiled.fused)
    return node_operations(diagram, drawn), node_types(diagram, drawn), links
