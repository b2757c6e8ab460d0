"""The `extern "C"` function that takes device pointers and starts the kernels in order."""

from __future__ import annotations

from collections.abc import Iterator

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.sizes import count, print_size
from attn_cuda.cxx.unit import is_optional
from attn_cuda.cxx.views import c_type, contiguous, layout, own_layout, view_axes
from attn_cuda.kernels.kernel import THREADS, Launch, Operand, remark, signature
from attn_cuda.source.calls import Launcher
from attn_dsl.ir import Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Input
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

SCRATCH = """\
// Memory for a value between two kernels. The stream frees it when the last of them is done.
template <typename T>
struct Scratch {
    T* data = nullptr;
    cudaError_t error = cudaSuccess;
    cudaStream_t stream;

    Scratch(long long count, cudaStream_t stream) : stream(stream) {
        void* memory = nullptr;
        if (count > 0) error = cudaMallocAsync(&memory, size_t(count) * sizeof(T), stream);
        data = static_cast<T*>(memory);
    }
    Scratch(const Scratch&) = delete;
    ~Scratch() {
        if (data != nullptr) cudaFreeAsync(data, stream);
    }
};
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
    if launcher.scratch:
        out.lines([*SCRATCH.splitlines(), ""])
    out.lines([*LAUNCH.splitlines(), ""])
    if launcher.by_rows:
        out.lines([*BY_SIXTEEN.splitlines(), ""])
    body = TextBuilder()
    waiting = list(launcher.scratch)
    for _, launch in launcher.launches:
        written = {tensor.value for tensor in launch.tensors if tensor.written}
        for value in [value for value in waiting if value in written]:
            waiting.remove(value)
            size = print_size(unit, count(unit.shape(value)))
            body.line(f"const Scratch<{c_type(unit, value)}> {value}({size}, stream);")
            body.line(f"if ({value}.error != cudaSuccess) return {value}.error;")
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
    strides, plain = _stride_names(launcher, statement.name)
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
        yield "const long long*", _stride_names(launcher, statement.name)[0]
    yield "cudaStream_t", "stream"


def _stride_names(launcher: Launcher, value: str) -> tuple[str, str]:
    """The launcher's parameter for the strides of an input, and what those without gaps are."""
    unit = launcher.unit
    outputs = (pointer for pointer, _ in launcher.outputs)
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values(), *outputs)
    wishes = f"{value}_strides", f"{value}_contiguous"
    names = identifiers(wishes, taken)
    return names[wishes[0]], names[wishes[1]]


def _used(type_: str, name: str, body: str) -> str:
    """A parameter, without its name where the function does not use it."""
    return f"{type_} {name}" if mentions(body, name) else f"{type_} /* {name} */"


def _print_launch(out: TextBuilder, launcher: Launcher, launch: Launch) -> None:
    unit = launcher.unit
    out.line(f"// {launch.title}")
    for condition in launch.requires:
        out.line(f"if (!({print_size(unit, condition)})) return cudaErrorInvalidValue;")
    first, last = launcher.launches[0][1], launcher.launches[-1][1]
    declare = "cudaError_t " if launch is first else ""
    verb = "return" if launch is last else f"{declare}error ="
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
    if launch is not last:
        out.line("if (error != cudaSuccess) return error;")


def _view(launcher: Launcher, operand: Operand) -> str:
    """The tensor as a kernel gets it: where it lies, and its strides in the kernel's axis order."""
    unit, value = launcher.unit, operand.value
    place = own_layout(unit, value) if operand.memory else layout(unit, value)
    base = place.base
    pointer = operand.memory or launcher.memory[base]
    if pointer in launcher.scratch:
        pointer += ".data"
    if operand.offset is not None:
        pointer = f"{pointer} + {print_size(unit, operand.offset)}"
    dims = unit.graph.types[base].dims
    steps = [print_size(unit, step) for step in contiguous(dims)]
    if isinstance(unit.graph.table[base].op, Input) and not operand.memory:
        name = _stride_names(launcher, base)[0]
        last = is_optional(unit.graph.table[base])
        steps = [f"{name}[{dim}]" for dim in range(len(dims) - 1 + last)] + ["1"] * (not last)
    axes = view_axes(unit.graph.types[value].dims, place.axes, operand.axes)
    ordered = ", ".join("0" if axis is None else steps[axis] for axis in axes)
    const = "" if operand.written else "const "
    return f"View<{const}{c_type(unit, base)}>{{{pointer}, {ordered}}}"
