"""The function of one fused operation, under names that its repeated copies share."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.backend import Options
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import TileSizes, local_names, schedule
from attn_numpy.attention import print_attention, sizes_of
from attn_numpy.names import attention_name, reserved_names
from attn_numpy.steps import Site

# Measured fastest for head dims 64 and 128 on one core: the tile of scores stays in its cache.
# Tiles are small where a mask cuts through: few scores are computed that it hides.
TILES = TileSizes(query=512, key=256, edge=64)


@dataclass(frozen=True)
class Function:
    """A function's name and text, and the sizes that it is told after its tensors."""

    name: str
    text: str
    sizes: tuple[str, ...]


def attention_functions(graph: Graph, options: Options) -> dict[str, Function]:
    """The functions of all fused operations, by the value that each computes."""
    functions: dict[str, Function] = {}
    texts: dict[str, str] = {}
    for statement in graph.statements:
        if isinstance(statement.op, TiledAttention):
            function = _attention_function(graph, statement, options, share=True)
            if texts.setdefault(function.name, function.text) != function.text:
                function = _attention_function(graph, statement, options, share=False)
            functions[statement.name] = function
    return functions


def _attention_function(
    graph: Graph, statement: Statement, options: Options, share: bool
) -> Function:
    """The function that computes the fused operation of `statement`.

    Within a module values are called by their paths, `Encoder_0_MHA_q_heads`. To `share` it,
    they are called by what follows, so that all copies of the module have the same function.
    """
    operands = [graph.table[name] for name in statement.op.operands]
    shared, names = local_names(statement.name, statement.op)
    if not share or set(names.values()) & {*reserved_names(), *graph.symbols}:
        names, shared = {}, ""
    local = Graph(graph.name, (*operands, statement), ()).rename(names)
    fused = local.statements[-1]
    program = schedule(local, fused, TILES)
    name = attention_name(shared + fused.name)
    out = TextBuilder()
    print_attention(Site(out, program, count=options.count), local, fused, name)
    return Function(name, out.text, sizes_of(program))
