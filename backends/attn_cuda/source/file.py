"""The whole file, from the header comment to the launcher."""

from __future__ import annotations

from collections.abc import Iterator

from attn_cuda.cxx.helpers import VIEW, helpers_for, mentions
from attn_cuda.cxx.layouts import VIEWS
from attn_cuda.cxx.names import comment, identifier
from attn_cuda.cxx.unit import Unit, expressions_of, is_optional
from attn_cuda.kernels.elementwise import MAPS, element, gathers
from attn_cuda.kernels.kernel import THREADS
from attn_cuda.source.blas import BLAS_FUNCTION, BlasLaunch
from attn_cuda.source.calls import Launcher
from attn_cuda.source.launcher import print_launcher
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import MergeHeads, Slice, SplitHeads, Transpose
from attn_dsl.links import value_marks
from attn_dsl.textbuilder import TextBuilder

NVRTC_LACKS = {"INFINITY": "0x7f800000", "NAN": "0x7fffffff"}


def entry_name(unit: Unit) -> str:
    """What the launcher is called; no library has a function of such a name."""
    return f"launch_{identifier(unit.graph.name).lower()}"


def print_source(launcher: Launcher, architecture: str | None = None) -> str:
    """The text of the `.cu` file, marked with what its lines are for (see `attn_dsl/links.py`)."""
    unit = launcher.unit
    kernels: dict[str, dict[str, None]] = {}  # the values of each, in order
    for _, launch in launcher.launches:
        if launch.text:
            kernels.setdefault(launch.text, {}).update(dict.fromkeys(launch.values))
    host = TextBuilder()
    print_launcher(host, launcher)
    code = "\n".join([*kernels, host.text])
    out = TextBuilder()
    _print_header(out, launcher, architecture or "native")
    helpers = [VIEW, *helpers_for(code, _gather_ranks(unit))]
    out.lines(_includes("\n".join([*helpers, *kernels]), blas=BLAS_FUNCTION in host.text))
    out.lines(_constants(unit, code))
    for helper in helpers:
        out.lines([*helper.splitlines(), ""])
    for kernel, values in kernels.items():
        with out.about(*value_marks(unit.graph, values)):
            out.lines(kernel.splitlines())
        out.line()
    out.lines(["#ifndef __CUDACC_RTC__  // what follows runs on the host", ""])
    out.lines([*host.text.splitlines(), "", "#endif"])
    return out.text


def _print_header(out: TextBuilder, launcher: Launcher, architecture: str) -> None:
    unit = launcher.unit
    out.line(f"// {comment(unit.graph.name)}. Call {launcher.entry}, at the end of this file.")
    libraries = " -lcublasLt" * any(
        isinstance(launch, BlasLaunch) for _, launch in launcher.launches
    )
    out.line(f"// Build it with nvcc -arch={architecture} -O3 -shared -Xcompiler -fPIC{libraries}.")
    out.line("//")
    notes: dict[str, dict[str, None]] = {}  # in order, each once
    for value, launch in launcher.launches:
        notes.setdefault(value, {}).update(dict.fromkeys(launch.notes or (launch.title,)))
    for statement in unit.graph.statements:
        optional = ", optional" * is_optional(statement)
        with out.about(*value_marks(unit.graph, [statement.name])):
            out.line(f"// {statement.name}: {comment(unit.types[statement.name])}{optional}")
            if statement.name in notes:
                out.lines(f"//     {note}" for note in notes[statement.name])
            elif statement.name not in launcher.layouts:
                out.line("//     never stored: a kernel uses it as it computes it")
            elif isinstance(statement.op, VIEWS):
                out.line(f"//     {_seen(statement)}")


def _seen(statement: Statement) -> str:
    """What a view is, of which nothing is copied."""
    match statement.op:
        case Transpose(x):
            return f"the transpose of {x}, by its strides"
        case SplitHeads(x):
            return f"{x} in heads, by its strides"
        case MergeHeads(x):
            return f"{x}, whose heads lie side by side"
        case Slice(x):
            return f"columns of {x}, where they lie"
    assert isinstance(statement.op, VIEWS)
    return f"{statement.op.x}, where it lies"


def _includes(code: str, *, blas: bool) -> Iterator[str]:
    """What the host part needs, and NVRTC has built in, but for some constants."""
    yield from ("#ifndef __CUDACC_RTC__", "#include <cuda_runtime.h>", "#include <math.h>")
    if blas:
        yield "#include <cublasLt.h>"
    missing = [name for name in NVRTC_LACKS if mentions(code, name)]
    if missing:
        yield "#else  // NVRTC has the functions of these built in, and not the constants"
        yield from (f"#define {name} __int_as_float({NVRTC_LACKS[name]})" for name in missing)
    yield from ("#endif", "")


def _constants(unit: Unit, code: str) -> Iterator[str]:
    if mentions(code, "THREADS"):
        yield f"constexpr int THREADS = {THREADS};  // of a block"
    for symbol, size in unit.constants.items():
        if mentions(code, unit.symbols[symbol]):
            yield f"constexpr int {unit.symbols[symbol]} = {size};  // compiled in"
    yield ""


def _gather_ranks(unit: Unit) -> Iterator[int]:
    for statement in unit.graph.statements:
        is_map = isinstance(statement.op, MAPS)
        for expr in (element(statement),) if is_map else expressions_of(statement):
            yield from (len(tensor.indices or ()) for tensor in gathers(expr))
