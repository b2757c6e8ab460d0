"""linear(x, a), linear(x, b), …  →  columns of linear(x, a over b): one product, not several."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.ops import Concatenate, Linear, Op, Slice
from attn_dsl.passes.remark import Rewritten
from attn_dsl.rewrite import fresh_name, replace_statements


def merge_linear(graph: Graph) -> Rewritten:
    """Merge the linear layers that share their input, as the projections of self-attention do."""
    groups: dict[tuple[str, bool], list[Statement]] = {}
    for statement in graph.statements:
        if isinstance(statement.op, Linear):
            groups.setdefault((statement.op.x, bool(statement.op.bias)), []).append(statement)
    new: dict[str, Statement] = {}
    for members in groups.values():
        if len(members) > 1:
            new |= {s.name: s for s in _merged(graph, members)}
    return Rewritten(replace_statements(graph, new.values()) if new else graph)


def _merged(graph: Graph, members: list[Statement]) -> Iterator[Statement]:
    """The joined weights, the one product, and the columns of it that each member was."""
    ops = [s.op for s in members if isinstance(s.op, Linear)]
    name = fresh_name(graph, "_and_".join([members[0].name, *(_last(s.name) for s in members[1:])]))
    origins = tuple(dict.fromkeys(origin for s in members for origin in s.origins))
    types = dict(graph.types)

    def define(name: str, op: Op) -> Statement:
        types[name] = op.infer(types)
        return Statement(name, op, types[name], origins)

    weights = define(f"{name}_weight", Concatenate(tuple(op.weight for op in ops), axis=-2))
    yield weights
    bias = ""
    if ops[0].bias:
        biases = define(f"{name}_bias", Concatenate(tuple(op.bias for op in ops)))
        yield biases
        bias = biases.name
    yield define(name, Linear(ops[0].x, weights.name, bias))
    first = Dim(())
    for member in members:
        width = member.type.dims[-1]
        columns = define(member.name, Slice(name, first.to_expr(), width.to_expr()))
        yield Statement(member.name, columns.op, member.type, member.origins)
        first = first + width


def _last(name: str) -> str:
    """The last word of a path."""
    return name.rsplit("_", 1)[-1]
