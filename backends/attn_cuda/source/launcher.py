"""The `extern "C"` function that takes device pointers and starts the kernels in order."""

from __future__ import annotations

from collections.abc import Iterator

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.layouts import contiguous, stride_names
from attn_cuda.cxx.sizes import print_size
from attn_cuda.cxx.unit import is_optional
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import THREADS, Launch, Operand, remark, signature
from attn_cuda.source.blas import BLAS_FUNCTION, BlasLaunch, print_blas
from attn_cuda.source.calls import Launcher, view_of
from attn_cuda.source.scratch import SCRATCH, print_arena
from attn_dsl.ir import Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.links import value_marks
from attn_dsl.textbuilder import TextBuilder

LAUNCH = """\
// What the kernel declares is what it gets: arguments are converted, not asked for their types.
template <typename T>
struct Declared {
    using Type = T;
};

// Starts a kernel, or none where there is nothing to do: CUDA takes an empty grid for a mistake.
template <typename... Parameters>
static cudaError_t launch(void (*kernel)(Parameters...), long long blocks, int threads,
                          size_t shared_bytes, cudaStream_t stream,
                          typename Declared<Parameters>::Type... arguments) {
    if (blocks == 0) return cudaSuccess;
    if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
    if (shared_bytes > 48 * 1024) {  // more than that has to be asked for
        const cudaError_t error = cudaFuncSetAttribute(
            kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes));
        if (error != cudaSuccess) return error;
    }
    void* addresses[] = {&arguments...};
    return cudaLaunchKernel(kernel, dim3(unsigned(blocks)), dim3(unsigned(threads)), addresses,
                            shared_bytes, stream);
}
"""

BY_SIXTEEN = """\
// Whether each row of numbers of 16 bits begins at a multiple of 16 bytes: it is read by as many.
static bool by_sixteen(const void* data, const long long* strides, int rank) {
    bool fits = reinterpret_cast<size_t>(data) % 16 == 0;
    for (int dim = 0; dim + 1 < rank; ++dim) fits = fits && strides[dim] % 8 == 0;
    return fits;
}
"""


def print_launcher(out: TextBuilder, launcher: Launcher) -> None:
    """Add the function and the few that it needs."""
    unit = launcher.unit
    if launcher.arena:
        out.lines([*SCRATCH.splitlines(), ""])
    out.lines([*LAUNCH.splitlines(), ""])
    if launcher.by_rows:
        out.lines([*BY_SIXTEEN.splitlines(), ""])
    if any(isinstance(launch, BlasLaunch) for _, launch in launcher.launches):
        types = (c_type(unit, statement.name) for statement in unit.graph.statements)
        out.lines([*print_blas(types).splitlines(), ""])
    body = TextBuilder()
    print_arena(body, launcher)
    for _, launch in launcher.launches:
        with body.about(*value_marks(unit.graph, launch.values)):
            _print_launch(body, launcher, launch)
    start = TextBuilder()
    for statement in unit.graph.inputs:
        _print_strides(start, launcher, statement, body.text)
    text = start.text + body.text
    declared = [_used(type_, name, text) for type_, name in parameters(launcher)]
    remark(out, contract(launcher))
    with out.block(signature(f'extern "C" int {launcher.entry}', declared, " {"), "}"):
        out.lines(text.splitlines())


def _print_strides(out: TextBuilder, launcher: Launcher, statement: Statement, body: str) -> None:
    """Refuse those that the kernels cannot follow; without any, the tensor has no gaps."""
    unit, dims = launcher.unit, statement.type.dims
    if not dims or not mentions(body, statement.name):
        return
    strides, plain = stride_names(unit, statement.name)
    given = f"{strides} != nullptr && "
    by_rows = statement.name in launcher.by_rows
    if mentions(body, strides) or by_rows:
        given = ""
        steps = ", ".join(print_size(unit, step) for step in contiguous(dims))
        out.line(f"const long long {plain}[] = {{{steps}}};")
        out.line(f"if ({strides} == nullptr) {strides} = {plain};")
    if by_rows:
        where = f"{statement.name}, {strides}, {len(dims)}"
        out.line(f"if (!by_sixteen({where})) return cudaErrorMisalignedAddress;")
    if dims[-1] != ONE:
        last = f"{strides}[{len(dims) - 1}]"
        repeats = f" && {last} != 0" * is_optional(statement)
        out.line(f"if ({given}{last} != 1{repeats}) return cudaErrorInvalidValue;")


def contract(launcher: Launcher) -> str:
    """What a caller has to know."""
    unit = launcher.unit
    text = (
        "Pointers are to device memory. The strides of an input count elements from one to the "
        "next along each of its dims, and are null where it has no gaps; the last one is 1. "
        "Outputs have no gaps. Returns a cudaError_t, 0 if all is well; the kernels run when the "
        "stream gets to them."
    )
    if unit.batch:
        names = " and ".join(unit.symbols[symbol] for symbol in unit.batch)
        text += f" `...` stands for {names}, 1 where there is none."
    if launcher.by_rows:
        names = ", ".join(s.name for s in unit.graph.inputs if s.name in launcher.by_rows)
        text += f" Rows of {names} begin at multiples of 16 bytes."
    if unit.optional:
        text += (
            " An optional tensor is null where there is none; it may repeat along any dim, with a "
            "stride of 0."
        )
    return text


def parameters(launcher: Launcher) -> Iterator[tuple[str, str]]:
    """Types and names: inputs, outputs, sizes, strides of inputs, the stream."""
    unit = launcher.unit
    for statement in unit.graph.inputs:
        yield f"const {c_type(unit, statement.name)}*", statement.name
    for pointer, value in launcher.outputs:
        yield f"{c_type(unit, value)}*", pointer
    for symbol in unit.runtime:
        yield "long long", unit.symbols[symbol]
    for statement in unit.graph.inputs:
        yield "const long long*", stride_names(unit, statement.name)[0]
    yield "cudaStream_t", "stream"


def _used(type_: str, name: str, body: str) -> str:
    """A parameter, without its name where the function does not use it."""
    return f"{type_} {name}" if mentions(body, name) else f"{type_} /* {name} */"


def _print_launch(out: TextBuilder, launcher: Launcher, launch: Launch) -> None:
    unit = launcher.unit
    remark(out, launch.title)
    for condition in launch.requires:
        out.line(f"if (!({print_size(unit, condition)})) return cudaErrorInvalidValue;")
    first, last = launcher.launches[0][1], launcher.launches[-1][1]
    declare = "cudaError_t " if launch is first and not launcher.arena else ""
    verb = "return" if launch is last else f"{declare}error ="
    if isinstance(launch, BlasLaunch):
        _print_blas_call(out, launcher, launch, verb)
    else:
        _print_kernel_call(out, launcher, launch, verb)
    if launch is not last:
        out.line("if (error != cudaSuccess) return error;")


def _print_kernel_call(out: TextBuilder, launcher: Launcher, launch: Launch, verb: str) -> None:
    unit = launcher.unit
    blocks = print_size(unit, launch.blocks)
    threads = "THREADS" if launch.threads == THREADS else str(launch.threads)
    shared = f"sizeof({launch.shared})" if launch.shared else "0"
    parts = [launch.kernel, blocks, threads, shared, "stream,"]
    out.lines(signature(f"{verb} launch", parts, "").removesuffix(")").splitlines())
    arguments = [*(_view(launcher, tensor) for tensor in launch.tensors)]
    numbers = [print_size(unit, number) for number in launch.numbers]
    if launch.scale is not None:
        numbers.insert(0, f"float({CudaPrinter(unit).print(launch.scale)})")
    if numbers:
        arguments.append(", ".join(numbers))
    margin = " " * len(f"{verb} launch(")
    out.line(",\n".join(margin + text for text in arguments) + ");")


def _print_blas_call(out: TextBuilder, launcher: Launcher, launch: BlasLaunch, verb: str) -> None:
    unit = launcher.unit
    element = c_type(unit, launch.tensors[-1].value)
    head = f"{verb} {BLAS_FUNCTION}<{element}>"
    out.line(f"{head}(")
    absent = f"View<const {element}>{{}}"
    views = [_view(launcher, operand) if operand else absent for operand in launch.arguments]
    numbers = [print_size(unit, number) for number in launch.numbers]
    last = ", ".join(["true" if launch.relu else "false", *numbers, "stream"])
    out.line(",\n".join(f"    {text}" for text in (*views, last)) + ");")


def _view(launcher: Launcher, operand: Operand) -> str:
    """The tensor as a kernel gets it: where it lies, and its strides in the kernel's axis order."""
    unit, layout = launcher.unit, view_of(launcher, operand)
    const = "" if operand.written else "const "
    pointer = layout.base
    if layout.offset is not None:
        pointer += f" + {print_size(unit, layout.offset)}"
    steps = ", ".join(print_size(unit, step) for step in layout.strides)
    return f"View<{const}{c_type(unit, operand.value)}>{{{pointer}, {steps}}}"
