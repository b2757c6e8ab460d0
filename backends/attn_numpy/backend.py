"""The backend: lowering prints the module, loading executes it."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Any

from attn_dsl.arrays import like, to_numpy
from attn_dsl.backend import Options, Program, Runner
from attn_dsl.ir import Graph, Sizes
from attn_dsl.ir.ops import Input
from attn_dsl.links import read_links
from attn_numpy.module import print_module
from attn_numpy.names import clear_names, entry_name, parameters


class NumpyBackend:
    """Tiled attention in NumPy, its heads and query tiles on threads."""

    name = "numpy"

    def lower(self, graph: Graph, options: Options) -> Program:
        """Print `graph` as a module. Sizes stay symbolic: one module serves every length.

        Raises ValueError if the options name a GPU architecture, or a library for products.
        """
        if options.arch is not None:
            raise ValueError(f"--arch {options.arch} is for the cuda target; this one is numpy")
        if options.blas is not None:
            raise ValueError(f"--blas {options.blas} is for the cuda target; this one is numpy")
        entry = entry_name(clear_names(graph))
        names = [statement.name for statement in graph.statements]
        source, links = read_links(print_module(graph, options), names)
        return Program(self.name, source, entry, ".py", graph, links=links)

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

        def run(given: Mapping[str, Any], sizes: Sizes) -> list[Any]:
            arrays = {name: to_numpy(name, array) for name, array in given.items()}
            owned = [{name: arrays[name] for name in parameters_of}] if parameters_of else []
            result = function(*owned, *(arrays.get(name) for name in names))
            results = result if isinstance(result, tuple) else (result,)
            return [like(array, given.values()) for array in results]

        return run
