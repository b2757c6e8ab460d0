"""The backend: lowering prints the file, loading builds and runs it."""

from __future__ import annotations

from attn_cuda.cxx.unit import make_unit
from attn_cuda.runtime.driver import find_driver
from attn_cuda.runtime.emulated import Emulated
from attn_cuda.runtime.gpu import Gpu
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import Library
from attn_cuda.runtime.runner import make_runner
from attn_cuda.source.architecture import check_architecture
from attn_cuda.source.blas import BLAS_FUNCTION
from attn_cuda.source.calls import make_launcher
from attn_cuda.source.checks import constants_of
from attn_cuda.source.file import entry_name, print_source
from attn_cuda.source.header import print_header
from attn_dsl.backend import Options, Program, Runner, Unavailable
from attn_dsl.ir import Graph
from attn_dsl.links import read_links


class CudaBackend:
    """Whole graphs in CUDA C++: f32, f16 and bf16, on any GPU that CUDA 12 or 13 knows."""

    name = "cuda"

    def lower(self, graph: Graph, options: Options) -> Program:
        """Print `graph` as one `.cu` file. All sizes but the head dims stay arguments.

        Raises DiagnosticError: E060 for a head dim without a size, E061 for one that is too
        large, E062 for f64, E063 for more than two batch dims. And ValueError for an architecture
        that NVIDIA's compilers do not know, or that has not the instructions of a kernel, and for
        an unknown library of matrix products.
        """
        constants = constants_of(graph, options.sizes)
        unit = make_unit(graph, constants)
        if options.blas not in (None, "cublaslt"):
            raise ValueError(f"--blas {options.blas}: there is no such library; there is cublaslt")
        launcher = make_launcher(unit, entry_name(unit), blas=options.blas is not None)
        check_architecture(launcher, options.arch)
        drawn = [unit.drawn.get(s.name, "") for s in launcher.unit.graph.statements]
        source, links = read_links(print_source(launcher, options.arch), drawn)
        called = ("cublasLt",) if BLAS_FUNCTION in source else ()
        return Program(
            target=self.name,
            source=source,
            entry=launcher.entry,
            suffix=".cu",
            graph=graph,
            sizes=constants,
            header=print_header(launcher),
            libraries=called,
            links=links,
        )

    def load(self, program: Program, *, emulate: bool = False) -> Runner:
        """Build the file with NVRTC for the GPU, or with g++ to be executed on the host."""
        if program.libraries:
            raise Unavailable(
                "a program that calls cuBLASLt is for a C compiler: neither the emulator nor NVRTC "
                "links a library; leave out `--blas`, or build what `attn compile` writes with "
                "nvcc and -lcublasLt"
            )
        if emulate:
            library = Library(build_emulated(program.source))
            return make_runner(program, Emulated(library, program.entry))
        try:
            return make_runner(program, Gpu(program, find_driver()))
        except Unavailable as missing:
            raise Unavailable(
                f"no GPU can be used: {missing}. Two ways on: `--emulate` executes the emitted "
                "source on this machine's CPU, and `attn compile --target cuda -o x.cu` writes "
                "the source, which nvcc builds for where there is a GPU"
            ) from None
