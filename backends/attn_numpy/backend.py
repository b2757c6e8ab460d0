"""The backend: lowering prints the module, loading executes it."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Any

from attn_dsl.backend import NDArray, Options, Program, Runner
from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.ir import DType, Graph, Sizes
from attn_dsl.ir.ops import Input
from attn_numpy.module import print_module
from attn_numpy.names import clear_names, entry_name, parameters

SUPPORTED = (DType.F32, DType.F64)


class NumpyBackend:
    """Tiled attention in NumPy, its heads and query tiles on threads."""

    name = "numpy"

    def lower(self, graph: Graph, options: Options) -> Program:
        """Print `graph` as a module. Sizes stay symbolic: one module serves every length.

        Raises DiagnosticError for element types that NumPy does not compute in.
        """
        _check_dtypes(graph)
        entry = entry_name(clear_names(graph))
        return Program(self.name, print_module(graph, options), entry, ".py", graph)

    def load(self, program: Program, *, emulate: bool = False) -> Runner:
        """Execute the module's text; what runs is what is read."""
        filename = f"<attn {program.entry}>"
        lines = program.source.splitlines(keepends=True)
        linecache.cache[filename] = (len(program.source), None, lines, filename)
        namespace: dict[str, Any] = {"__name__": program.entry}
        exec(compile(program.source, filename, "exec"), namespace)
        function = namespace[program.entry]
        names = list(parameters(program.graph).values())
        inputs = [s.op for s in program.graph.inputs if isinstance(s.op, Input)]
        parameters_of = [op.name for op in inputs if op.parameter]

        def run(arrays: Mapping[str, NDArray], sizes: Sizes) -> list[NDArray]:
            owned = [{name: arrays[name] for name in parameters_of}] if parameters_of else []
            result = function(*owned, *(arrays.get(name) for name in names))
            return list(result) if isinstance(result, tuple) else [result]

        return run


def _check_dtypes(graph: Graph) -> None:
    found = []
    for statement in graph.statements:
        dtype = statement.type.dtype
        if dtype.is_float and dtype not in SUPPORTED:
            what = statement.op.name if isinstance(statement.op, Input) else statement.name
            found.append(
                Diagnostic(
                    "E070",
                    f"`{what}` is {statement.type}; the numpy target computes in f32 and f64",
                    statement.origins[0].span if statement.origins else None,
                    help="declare it as f32, or use `--set dtype=f32` where no type is declared",
                )
            )
    if found:
        raise DiagnosticError(found)
