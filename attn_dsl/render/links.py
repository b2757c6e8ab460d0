"""The links of a drawing: which values of the graph its nodes stand for."""

from __future__ import annotations

from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import TiledScores
from attn_dsl.links import link
from attn_dsl.render.places import Places, edge_names
from attn_dsl.syntax import Diagram
from attn_dsl.tile import parts_of

__all__ = ["drawn_links", "link", "origin_links"]


def drawn_links(diagram: Diagram, graph: Graph) -> dict[str, tuple[str, ...]]:
    """The links of every node, and of every edge that draws an operation, by its name.

    A node that passes a value on, such as an output, has that of the value.
    """
    found: dict[str, dict[str, None]] = {}
    places = Places(diagram)
    for statement in graph.statements:
        for links, origin in zip(origin_links(statement), statement.origins, strict=True):
            for name in places.of(origin):
                found.setdefault(name, {}).update(dict.fromkeys(links))
    drawn = set(found)
    for name, edge in zip(edge_names(diagram), diagram.edges, strict=True):
        if name in found and edge.target not in drawn:
            found.setdefault(edge.target, {}).update(found[name])
    for node in diagram.nodes:
        _pass_on(diagram, node, found)
    return {name: tuple(links) for name, links in found.items()}


def _pass_on(diagram: Diagram, node: str, found: dict[str, dict[str, None]]) -> None:
    """Give `node`, and those before it that have no links, the values that come to them."""
    chain = [node]
    while chain[-1] not in found:
        into = [edge.source for edge in diagram.edges_into(chain[-1])]
        if len(into) != 1 or into[0] in chain:
            return
        chain.append(into[0])
    values = {name: None for name in found[chain[-1]] if "/" not in name}
    for passing in chain[:-1]:
        found[passing] = values


def origin_links(statement: Statement) -> list[tuple[str, ...]]:
    """The links of each drawn operation that `statement` absorbed.

    The last of a fused operation makes its value.
    """
    name, origins = statement.name, statement.origins
    if not isinstance(statement.op, TiledScores):
        return [(link(name),)] * len(origins)
    parts = parts_of([origin.title for origin in origins])
    found = [(link(name, part.value),) for part in parts]
    return [*found[:-1], (*found[-1], link(name))] if found else []
