"""The whole module: imports, helpers that are needed, fused operations, the entry function."""

from __future__ import annotations

import re

from attn_dsl.backend import Options
from attn_dsl.expr import names_in
from attn_dsl.ir import DType, Graph, Statement
from attn_dsl.ir.ops import Input, TiledScores
from attn_dsl.links import value_marks
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import formula, together
from attn_numpy.counting import COUNTING
from attn_numpy.function import Function, attention_functions
from attn_numpy.helpers import HELPERS
from attn_numpy.names import clear_names, entry_name, parameters, quoted
from attn_numpy.plain import print_plain, spelled
from attn_numpy.precision import computed, narrowed, widening

LIMIT_THREADS = """
try:  # the tiles have a thread for each core, so BLAS needs none of its own
    from threadpoolctl import ThreadpoolController

    limit_threads = ThreadpoolController().limit
except ImportError:  # then they compete, which is slow, and as right

    def limit_threads(limits):
        return nullcontext()

"""


def print_module(graph: Graph, options: Options) -> str:
    """The text of the module that computes `graph`."""
    stored = clear_names(graph)
    graph = computed(stored)
    functions = attention_functions(graph, options)
    body = TextBuilder()
    for text in dict.fromkeys(function.text for function in functions.values()):
        values = [value for value, function in functions.items() if function.text == text]
        body.line("\n")
        with body.about(*value_marks(graph, values)):
            body.lines(text.splitlines())
    body.line("\n")
    _print_entry(body, graph, stored, functions)
    head = TextBuilder()
    _print_head(head, graph, functions, body.text, options)
    return head.text + body.text


def _print_head(
    out: TextBuilder, graph: Graph, functions: dict[str, Function], body: str, options: Options
) -> None:
    out.line(f'"""{quoted(graph.name)}: emitted by attn for NumPy.')
    out.line()
    if len(functions) == 1:
        ((first, *rest),) = [group for group in together(graph) if group[0].name in functions]
        assert isinstance(first.op, TiledScores)
        lines = formula(first.name, first.op, rest[0].name if rest else "")
        out.lines(f"    {line}" for line in lines)
    arguments = ", ".join([*_owned(graph), *parameters(graph)])
    out.line(f'\nCall `{entry_name(graph)}({arguments})`; it needs NumPy 2 and nothing else.\n"""')
    out.line()
    code = re.sub(r'""".*?"""', "", body, flags=re.DOTALL)
    helpers = [text for name, text in HELPERS.items() if re.search(rf"(?<![\w.]){name}\(", code)]
    if "math." in code or functions:
        out.line("import math")
    if functions:
        out.line("import os")
    if options.count:
        out.line("from collections import Counter")
    if functions:
        out.line("from contextlib import nullcontext")
        out.line("from threading import Lock, Thread")
    out.line("\nimport numpy as np" if functions or "math." in code else "import numpy as np")
    if functions:
        out.line("\n" + LIMIT_THREADS.strip())
        out.line("\n\nLOG2_E = math.log2(math.e)")
        out.line("CORES = os.cpu_count()")
        out.line("SCORES_OF_JOB = 2**17  # for fewer, no other thread is worth while")
    for text in [COUNTING, *helpers] if options.count else helpers:
        out.line("\n\n" + text.strip("\n"))


def _owned(graph: Graph) -> list[str]:
    """The argument that holds what operations own, if they own anything."""
    inputs = [s.op for s in graph.inputs if isinstance(s.op, Input)]
    return ["parameters"] if any(op.parameter for op in inputs) else []


def _print_entry(
    out: TextBuilder, graph: Graph, stored: Graph, functions: dict[str, Function]
) -> None:
    """The function to call: `stored` says what comes and goes, `graph` what is computed."""
    names = parameters(graph)
    inputs = [s.op for s in graph.inputs if isinstance(s.op, Input)]
    optional = {op.name for op in inputs if op.optional and not op.required}
    arguments = [f"{p}=None" if name in optional else p for p, name in names.items()]
    arguments = [*_owned(graph), *arguments]
    with out.block(f"def {entry_name(graph)}({', '.join(arguments)}):"):
        _docstring(out, stored)
        _print_sizes(out, graph, functions)
        _print_optional(out, graph, names)
        out.lines(widening(stored))
        for group in together(graph):
            if not isinstance(group[0].op, Input):
                with out.about(*value_marks(graph, [s.name for s in group])):
                    _print_group(out, graph, group, functions)
        results = (
            narrowed(stored, value, spelled(graph.table[value])) for _, value in graph.outputs
        )
        out.line(f"return {', '.join(results)}")


def _docstring(out: TextBuilder, graph: Graph) -> None:
    out.line(f'"""Compute {", ".join(value for _, value in graph.outputs)}.')
    out.line()
    for statement in (*graph.inputs, *(graph.table[value] for _, value in graph.outputs)):
        note = ""
        if isinstance(statement.op, Input) and statement.op.optional:
            note = f" (optional, `{statement.op.name}` where it is {_dtype_word(statement)})"
        with out.about(*value_marks(graph, [statement.name])):
            out.line(f"{statement.name}: {statement.type}{note}")
    out.line('"""')


def _dtype_word(statement: Statement) -> str:
    return "boolean" if statement.type.dtype is DType.BOOL else "floating-point"


def _print_sizes(out: TextBuilder, graph: Graph, functions: dict[str, Function]) -> None:
    """Read the sizes that are needed from the shapes of the inputs."""
    needed = {size for function in functions.values() for size in function.sizes}
    for statement in graph.statements:
        if not isinstance(statement.op, Input | TiledScores):
            for _, expr in statement.op.fields_of("expression"):
                needed |= names_in(expr) & set(graph.symbols)
    for statement in graph.inputs:
        rank = len(statement.type.dims)
        assert isinstance(statement.op, Input)
        for axis, dim in enumerate(statement.type.dims):
            if str(dim) in needed and not statement.op.optional:
                needed.discard(str(dim))
                out.line(f"{dim} = {spelled(statement)}.shape[{axis - rank}]")


def _print_optional(out: TextBuilder, graph: Graph, names: dict[str, str]) -> None:
    """Tell a boolean mask from a floating-point one."""
    parameter_of = {name: parameter for parameter, name in names.items()}
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        parameter = parameter_of.get(statement.op.name, statement.name)
        if parameter == statement.name:
            continue
        boolean = statement.type.dtype is DType.BOOL
        out.line(
            f"{statement.name} = {parameter} if {parameter} is not None "
            f"and {parameter}.dtype {'==' if boolean else '!='} bool else None"
        )


def _print_group(
    out: TextBuilder, graph: Graph, group: tuple[Statement, ...], functions: dict[str, Function]
) -> None:
    """A statement, or several that one function computes."""
    op = group[0].op
    if isinstance(op, TiledScores):
        function = functions[group[0].name]
        arguments = (*(spelled(graph.table[name]) for name in op.operands), *function.sizes)
        names = ", ".join(statement.name for statement in group)
        out.line(f"{names} = {function.name}({', '.join(arguments)})")
        return
    out.lines(print_plain(graph, group[0]))
