"""The memory between kernels, as the launcher asks for it."""

from __future__ import annotations

from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.sizes import print_size
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import signature
from attn_cuda.source.calls import Launcher
from attn_dsl.textbuilder import TextBuilder

SCRATCH = """\
// One piece of memory for all values between two kernels; they share places in it, one after the
// other. The stream frees it when the last kernel is done.
struct Scratch {
    cudaStream_t stream;
    long long size = 0;
    char* data = nullptr;

    explicit Scratch(cudaStream_t stream) : stream(stream) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() {
        if (data != nullptr) cudaFreeAsync(data, stream);
    }
    // Where a place begins that is as long as the longest of its values, in bytes. That is at a
    // multiple of 256, as memory of its own would be.
    template <typename... Sizes>
    long long reserve(Sizes... bytes) {
        const long long begin = size;
        long long longest = 0;
        ((longest = longest < bytes ? bytes : longest), ...);
        size += (longest + 255) / 256 * 256;
        return begin;
    }
    cudaError_t allocate() {
        void* memory = nullptr;
        if (size > 0) {
            const cudaError_t error = cudaMallocAsync(&memory, size_t(size), stream);
            if (error != cudaSuccess) return error;
        }
        data = static_cast<char*>(memory);
        return cudaSuccess;
    }
    template <typename T>
    T* at(long long begin) const {
        return reinterpret_cast<T*>(data + begin);
    }
};
"""


def print_arena(out: TextBuilder, launcher: Launcher) -> None:
    """Measure all places, allocate them as one, and say which value is where."""
    unit, arena = launcher.unit, launcher.arena
    if not arena:
        return
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values())
    taken = (*taken, *(pointer for pointer, _ in launcher.outputs))
    names = list(identifiers((f"place{n}" for n in range(len(arena))), taken).values())
    out.line("Scratch scratch(stream);")
    for name, place in zip(names, arena, strict=True):
        sizes = [print_size(unit, size.to_expr()) for size in place.sizes]
        out.line(signature(f"const long long {name} = scratch.reserve", sizes, ";"))
    out.line("cudaError_t error = scratch.allocate();")
    out.line("if (error != cudaSuccess) return error;")
    for name, place in zip(names, arena, strict=True):
        for value in place.values:
            type_ = c_type(unit, value)
            out.line(f"{type_}* const {value} = scratch.at<{type_}>({name});")
