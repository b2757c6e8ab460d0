"""Names in the emitted module: those of the diagram, unless Python or the module needs them."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from attn_dsl.expr import INDICES, SCORE, Expr, Name, substitute
from attn_dsl.ir import Dim, Graph, TensorType, parse_type
from attn_dsl.ir.ops import Input, Op
from attn_numpy.helpers import HELPERS

LOCALS = frozenset(
    (
        *(
            "np",
            "math",
            "os",
            "batch",
            "head",
            "head_block",
            "q_begins",
            "group",
            "tile",
            "rows",
            "keys",
            "seen",
            "cut",
            "jobs",
            "blocks",
        ),
        *("q_begin", "q_end", "q_first", "q_last", "k_first", "k_last", "k_begin", "k_end"),
        *("tile_map", "tiles", "live", "full", "counts", "counting", "count", "loaded", "heads_in"),
        *("Counter", "Lock"),
        *("full_begin", "full_end", "shift", "rescale", "bounded", "longest_key", "one"),
        *("query_tile", "key_tile", "value_tile", "scores", "weights", "accumulator"),
        *("maximum", "new_maximum", "total", "lse", "parameters", *HELPERS),
        *(
            "QUERY_TILE",
            "KEY_TILE",
            "EDGE_TILE",
            "HEAD_BLOCK",
            "LOG2_E",
            "Thread",
            "limit_threads",
        ),
        *("ThreadpoolController", "nullcontext", *dir(builtins)),
    )
)
"""What the emitted functions call things themselves."""
OF_SIZES = ("scale", "factor", "first", "count", "heads")
"""The fields of operations whose expressions are of sizes alone."""


def reserved_names() -> set[str]:
    """What no value and no size may be called in an emitted module."""
    return {*LOCALS, *keyword.kwlist, *INDICES, SCORE.id}


def clear_names(graph: Graph) -> Graph:
    """Rename the values and sizes whose names would hide a name of the emitted module."""
    used = reserved_names() | {attention_name(value) for value in graph.table}
    names = {name: _clear(name, used) for name in (*graph.table, *graph.symbols)}
    return _rename_sizes(graph, names).rename(names)


def _clear(wish: str, used: set[str]) -> str:
    """`wish` as Python reads it, or nearly so; from then on it is `used`."""
    name = unicodedata.normalize("NFKC", wish)
    while name in used:
        name += "_"
    used.add(name)
    return name


def _rename_sizes(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The same graph with other names of sizes."""
    if all(names[size] == size for size in graph.symbols):
        return graph  # as nearly always, and to build all of it again takes long
    sizes: dict[str, Expr] = {size: Name(names[size]) for size in graph.symbols}
    # Among scores an index has precedence.
    beside_indices = {s: new for s, new in sizes.items() if s not in (*INDICES, SCORE.id)}

    def type_(old: TensorType) -> TensorType:
        dims = [Dim.from_expr(substitute(dim.to_expr(), sizes)) for dim in old.dims]
        return old.with_dims(*dims)

    def op(old: Op) -> Op:
        if isinstance(old, Input):
            return replace(old, type=str(type_(parse_type(old.type))))
        expressions = {
            field: substitute(expr, sizes if field in OF_SIZES else beside_indices)
            for field, expr in old.fields_of("expression")
        }
        return replace(old, **expressions)

    statements = tuple(replace(s, op=op(s.op), type=type_(s.type)) for s in graph.statements)
    return replace(graph, statements=statements)


def quoted(text: str) -> str:
    """`text` from a diagram, for one line of a docstring that it must not end."""
    line = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def entry_name(graph: Graph) -> str:
    """The function to call: the diagram's name as an identifier."""
    words = unicodedata.normalize("NFKC", graph.name).lower()
    name = re.sub(r"_+", "_", re.sub(r"\W", "_", words)).strip("_") or "attention"
    if not name.isidentifier() or keyword.iskeyword(name) or name in LOCALS:
        name = f"run_{name}"
    inner = set(graph.table) | {attention_name(v) for v in graph.table} | set(graph.symbols)
    while name in inner:
        name = f"run_{name}"
    return name


def attention_name(value: str) -> str:
    """The function that computes the fused operation `value`."""
    return f"attention_{value}"


def parameters(graph: Graph) -> dict[str, str]:
    """Parameter names of the entry function, in order, and the input that each one is.

    The boolean and the float form of an optional mask are one argument. What operations own
    comes in one mapping, `parameters`, and is not listed here.
    """
    forms: dict[str, list[str]] = {}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        if statement.op.parameter:
            continue
        forms.setdefault(statement.op.name, []).append(statement.name)
    used = {*LOCALS, *keyword.kwlist, *graph.table, *graph.symbols}
    return {
        values[0] if len(values) == 1 else _clear(re.sub(r"\W", "_", name), used): name
        for name, values in forms.items()
    }
