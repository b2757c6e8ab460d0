"""The function of one fused operation, under names that its repeated copies share."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.backend import Options
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import TiledScores
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import local_names, schedule, together
from attn_numpy.attention import print_attention, sizes_of
from attn_numpy.names import attention_name, reserved_names
from attn_numpy.site import Site
from attn_numpy.tiles import rows_together, tiles_of


@dataclass(frozen=True)
class Function:
    """A function's name and text, and the sizes that it is told after its tensors."""

    name: str
    text: str
    sizes: tuple[str, ...]


def attention_functions(graph: Graph, options: Options) -> dict[str, Function]:
    """The functions of all fused operations, by the value that each computes, or the first."""
    functions: dict[str, Function] = {}
    texts: dict[str, str] = {}
    for group in together(graph):
        if isinstance(group[0].op, TiledScores):
            function = _attention_function(graph, group, options, share=True)
            if texts.setdefault(function.name, function.text) != function.text:
                function = _attention_function(graph, group, options, share=False)
            functions[group[0].name] = function
    return functions


def _attention_function(
    graph: Graph, group: tuple[Statement, ...], options: Options, share: bool
) -> Function:
    """The function that computes a fused operation, or the two of `group` together.

    Within a module values are called by their paths, `Encoder_0_MHA_q_heads`. To `share` it,
    they are called by what follows, so that all copies of the module have the same function.
    """
    statement = group[0]
    operands = [graph.table[name] for name in statement.op.operands]
    shared, names = local_names(statement.name, statement.op)
    if not share or len(group) > 1 or set(names.values()) & {*reserved_names(), *graph.symbols}:
        names, shared = {}, ""
    local = Graph(graph.name, (*operands, *group), ()).rename(names)
    fused, *beside = local.statements[len(operands) :]
    program = schedule(local, fused, tiles_of(local, fused, options.sizes), *beside)
    name = attention_name(shared + fused.name)
    out = TextBuilder()
    rows = rows_together(local, fused, program)
    print_attention(Site(out, program, rows, count=options.count), local, fused, name)
    return Function(name, out.text, sizes_of(program))
