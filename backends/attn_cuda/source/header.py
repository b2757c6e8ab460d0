"""The `.h` file beside a `.cu`: what C and C++ have to know to call the launcher."""

from __future__ import annotations

import re

from attn_cuda.cxx.names import comment
from attn_cuda.cxx.unit import is_optional
from attn_cuda.kernels.kernel import remark, signature
from attn_cuda.source.calls import Launcher
from attn_cuda.source.launcher import contract, parameters
from attn_dsl.textbuilder import TextBuilder

C_WORDS = {
    "f16": "unsigned short",
    "bf16": "unsigned short",
    "cudaStream_t": "struct CUstream_st*",
}
"""What C calls what CUDA and the emitted file have words for: numbers of 16 bits are their bits."""
ELSEWHERE = re.compile(r"\b(b?f16|cudaStream_t)\b")


def print_header(launcher: Launcher) -> str:
    """The text of the `.h` file. It includes nothing of CUDA's, and compiles as C and as C++."""
    unit, out = launcher.unit, TextBuilder()
    remark(out, f"{unit.graph.name}: what calls it from C and C++.")
    out.line("#pragma once")
    declared = [
        (ELSEWHERE.sub(lambda word: C_WORDS[word[0]], type_), name)
        for type_, name in parameters(launcher)
    ]
    if any("bool" in type_ for type_, _ in declared):
        out.line("#include <stdbool.h>")
    out.line()
    out.line("struct CUstream_st;  // what CUDA's cudaStream_t points to")
    out.line()
    out.lines(["#ifdef __cplusplus", 'extern "C" {', "#endif", ""])
    for statement in unit.graph.inputs:
        optional = ", optional" * is_optional(statement)
        out.line(f"// {statement.name}: {comment(unit.types[statement.name])}{optional}")
    for pointer, value in launcher.outputs:
        out.line(f"// {pointer}: {comment(unit.types[value])}, which it computes")
    for symbol, size in unit.constants.items():
        out.line(f"// {unit.symbols[symbol]} = {size} is compiled in.")
    out.line("//")
    remark(out, contract(launcher))
    parts = [f"{type_} {name}" for type_, name in declared]
    out.lines(signature(f"int {launcher.entry}", parts, ";").splitlines())
    out.lines(["", "#ifdef __cplusplus", "}", "#endif"])
    return out.text
