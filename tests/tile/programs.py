"""Tile programs of attention with a given mask, score and tensors."""

from __future__ import annotations

import re

from attn_dsl.ir import Graph, from_text
from attn_dsl.tile import TileProgram, TileSizes, schedule

INPUTS = {
    "Q": "f32[B, H, N, D]",
    "K": "f32[B, H, M, D]",
    "V": "f32[B, H, M, E]",
    "doc": "i32[B, M]",
    "slope": "f32[H, 1, 1]",
    "pad": "bool[B, 1, 1, M]",
    "w": "f32[B, H, M]",
    "length": "i32[B]",
    "keep": "bool[N, M]",
    "bias": "f32[N, M]",
}
OPTIONAL = ("keep", "bias")


def attention(**attributes: str) -> Graph:
    """`O`: attention with these expressions, which may mention any of the tensors."""
    lines = ['graph "g"']
    for name, type_ in INPUTS.items():
        input_ = "mask" if name in OPTIONAL else name
        optional = ", optional=true" if name in OPTIONAL else ""
        lines.append(f'%{name} = input() {{name="{input_}", type="{type_}"{optional}}} : {type_}')
    said = " ".join(attributes.values())
    captured = [name for name in list(INPUTS)[3:] if re.search(rf"\b{name}\b", said)]
    operands = ", ".join(f"%{name}" for name in ("Q", "K", "V", *captured))
    pairs = ", ".join(f'{name}="{value}"' for name, value in attributes.items())
    braces = f" {{{pairs}}}" if pairs else ""
    lines.append(f"%O = tiled_attention({operands}){braces} : f32[B, H, N, E]")
    return from_text("\n".join([*lines, 'return "O" = %O', ""]))


def plan(query: int = 4, key: int = 3, **attributes: str) -> TileProgram:
    """Its program, with tiles of `query` queries and `key` keys."""
    graph = attention(**attributes)
    return schedule(graph, graph.table["O"], TileSizes(query, key))
