"""The function of one fused operation, under names that its repeated copies share."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import TileSizes, schedule
from attn_numpy.attention import print_attention, sizes_of
from attn_numpy.names import attention_name, reserved_names

# Measured fastest for head dims 64 and 128 on one core: the tile of scores stays in its cache.
TILES = TileSizes(query=256, key=512)


@dataclass(frozen=True)
class Function:
    """A function's name and text, and the sizes that it is told after its tensors."""

    name: str
    text: str
    sizes: tuple[str, ...]


def attention_functions(graph: Graph) -> dict[str, Function]:
    """The functions of all fused operations, by the value that each computes."""
    functions: dict[str, Function] = {}
    texts: dict[str, str] = {}
    for statement in graph.statements:
        if isinstance(statement.op, TiledAttention):
            function = _attention_function(graph, statement, share=True)
            if texts.setdefault(function.name, function.text) != function.text:
                function = _attention_function(graph, statement, share=False)
            functions[statement.name] = function
    return functions


def _attention_function(graph: Graph, statement: Statement, share: bool) -> Function:
    """The function that computes the fused operation of `statement`.

    Within a module values are called by their paths, `Encoder_0_MHA_q_heads`. To `share` it,
    they are called by what follows, so that all copies of the module have the same function.
    """
    operands = [graph.table[name] for name in statement.op.operands]
    path = _path(statement)
    shared = _without_indices(path)
    names = {s.name: _local(s.name, path, shared) for s in (*operands, statement)}
    short = set(names.values())
    if not share or len(short) < len(names) or short & {*reserved_names(), *graph.symbols}:
        names, shared = {}, ""
    local = Graph(graph.name, (*operands, statement), ()).rename(names)
    fused = local.statements[-1]
    program = schedule(local, fused, TILES)
    name = attention_name(shared + fused.name)
    out = TextBuilder()
    print_attention(out, local, fused, program, name)
    return Function(name, out.text, sizes_of(program))


def _path(statement: Statement) -> str:
    """What the names of the query, the key, the value and the result begin with: a path."""
    op = statement.op
    names = [statement.name, *(name for _, name in op.fields_of("operand"))]
    parts = [name.split("_") for name in names]
    count = 0
    while all(len(p) > count + 1 for p in parts) and len({p[count] for p in parts}) == 1:
        count += 1
    return "".join(f"{part}_" for part in parts[0][:count])


def _without_indices(path: str) -> str:
    """The path that all copies share."""
    return "".join(f"{part}_" for part in path.split("_") if part and not part.isdecimal())


def _local(name: str, path: str, shared: str) -> str:
    short = name.removeprefix(path) if name.startswith(path) else name.removeprefix(shared)
    return short if short.isidentifier() else name
