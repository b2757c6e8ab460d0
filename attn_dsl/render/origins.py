"""From the operations of a graph back to what was drawn."""

from __future__ import annotations

from attn_dsl.ir import Graph, Origin, Statement
from attn_dsl.ir.ops import OPS, Input
from attn_dsl.render.places import Places, edge_names
from attn_dsl.syntax import Diagram

_BY_TITLE = {op.__name__: mnemonic for mnemonic, op in OPS.items()}


def node_operations(diagram: Diagram, graph: Graph) -> dict[str, str]:
    """The operation, by its mnemonic, that each node draws; fused ones count as drawn.

    An operation that is drawn on an edge stands under the edge's name (`edge_names`).
    """
    found: dict[str, str] = {}
    places = Places(diagram)
    for statement in graph.statements:
        for origin in statement.origins:
            mnemonic = _mnemonic(statement, origin)
            for name in places.of(origin):
                if name not in found or not isinstance(statement.op, Input):
                    found[name] = mnemonic
    return found


def node_types(diagram: Diagram, graph: Graph) -> dict[str, str]:
    """The type of every input, by its node; that of an optional mask is the boolean one."""
    found: dict[str, str] = {}
    places = Places(diagram)
    for statement in graph.inputs:
        for origin in statement.origins:
            for name in places.of(origin):
                if name in diagram.nodes and not diagram.edges_into(name):
                    found[name] = str(statement.type)
    return found


def edge_types(diagram: Diagram, graph: Graph) -> dict[str, str]:
    """The type of the value on every edge, by the edge's name.

    Left out are edges whose value is no tensor of the graph, such as that of a member of a family.
    """
    types = _node_types(diagram, graph)
    found: dict[str, str] = {}
    for name, edge in zip(edge_names(diagram), diagram.edges, strict=True):
        type_ = types.get(_maker(diagram, edge.source, types))
        if type_ is not None:
            found[name] = type_
    return found


def _node_types(diagram: Diagram, graph: Graph) -> dict[str, str | None]:
    """The type of what leaves each node that draws an operation; None where types differ.

    That is so for the members of a family, whose type is that of all together.
    """
    places = Places(diagram)
    made: dict[str, list[str]] = {}
    members: set[str] = set()
    for statement in graph.statements:
        for origin in statement.origins:
            names = [name for name in places.of(origin) if name in diagram.nodes]
            members |= set(names) if len(names) > 1 else set()
            for name in names:
                made.setdefault(name, []).append(statement.name)
    found: dict[str, str | None] = dict.fromkeys(made)
    for node in made.keys() - members:
        inside = set(made[node])
        types = {str(graph.types[name]) for name in inside if _leaves(graph, name, inside)}
        found[node] = types.pop() if len(types) == 1 else None
    return found


def _leaves(graph: Graph, name: str, inside: set[str]) -> bool:
    users = graph.users(name)
    return graph.is_output(name) or any(user.name not in inside for user in users)


def _maker(diagram: Diagram, node: str, types: dict[str, str | None]) -> str:
    """The node whose value `node` passes on, which may be its own."""
    seen: set[str] = set()
    while node not in types and node not in seen:
        seen.add(node)
        into = diagram.edges_into(node)
        if len(into) != 1 or into[0].label is not None:
            break
        node = into[0].source
    return node


def _mnemonic(statement: Statement, origin: Origin) -> str:
    """A fused operation's origins say what each part was: `Mask (optional)` is a mask."""
    if origin.call is not None:
        return "module"
    word = origin.title.partition(" ")[0]
    return _BY_TITLE.get(word, statement.op.mnemonic)
