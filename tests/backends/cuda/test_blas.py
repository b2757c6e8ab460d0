"""Products by cuBLASLt: which calls are printed, and that they ask for the right thing.

The library is not here. A stand-in for its header does what its documentation says, on the host.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from attn_cuda import BACKEND
from emit_support import check, draw, graph_of, in_type
from test_emit_models import inputs, model
from test_emit_products import GRAPH, SIZES

from attn_dsl.backend import Options, Program, Unavailable
from attn_dsl.ir import Graph, bind, evaluate
from attn_dsl.pipeline import lower

STAND_IN = Path(__file__).parent / "kernels" / "cublasLt.h"


def with_blas(graph: Graph) -> Program:
    return BACKEND.lower(graph, Options(blas="cublaslt"))


def on_host(program: Program) -> Program:
    """The program with the stand-in for the library's header, to be executed on the host."""
    header = STAND_IN.read_text(encoding="utf-8").replace("#pragma once\n", "")
    source = program.source.replace("#include <cublasLt.h>\n", header)
    assert source != program.source
    return replace(program, source=source, libraries=())


@pytest.mark.parametrize("element", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("name", [name for name in SIZES if name != "nothing to sum"])
def test_products(name: str, element: str) -> None:
    program = on_host(with_blas(in_type(GRAPH, element)))
    arrays = draw(program.graph, **dict(zip("BHNME", SIZES[name], strict=True)))
    check(program, {name: array / np.asarray(4, array.dtype) for name, array in arrays.items()})


def test_what_the_library_takes_over() -> None:
    """A bias, an activation or a sum; what it cannot do comes after it, in a kernel."""
    graph = graph_of(
        "x: f32[N, E]", "w: f32[M, E]", "c: f32[M]", "y: f32[N, M]",
        "%a = linear(%x, %w, %c) : f32[N, M]", "%u = relu(%a) : f32[N, M]",
        "%g = linear(%x, %w, %c) : f32[N, M]", "%v = add(%y, %g) : f32[N, M]",
        "%i = linear(%x, %w, %c) : f32[N, M]", "%j = tanh(%i) : f32[N, M]",
        "%l = linear(%x, %w) : f32[N, M]", "%o = relu(%l) : f32[N, M]",
        "%p = add(%o, %y) : f32[N, M]",
        outputs=("u", "v", "j", "p"),
    )  # fmt: skip
    program = with_blas(graph)
    assert "product(" in program.source
    assert re.findall(r"launch\((\w+),", program.source) == ["tanh_j", "add_p"]
    assert program.source.count("blas_product<float>(") == 4
    assert program.libraries == ("cublasLt",)
    assert "-lcublasLt" in program.source
    check(on_host(program), draw(graph, N=5, M=7, E=6))


@pytest.mark.parametrize("name", ["encoder block", "encoder and decoder"])
def test_model(name: str) -> None:
    compiled, _ = model(name)
    program = lower(compiled, "cuda", blas="cublaslt")
    assert "tile_product" not in program.source
    arrays = inputs(name, "f32", masked=True)
    (wanted,) = evaluate(compiled.drawn, arrays).values()
    runner = BACKEND.load(on_host(program), emulate=True)
    (found,) = runner(arrays, bind(program.graph, arrays))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_nothing_that_runs_here_can_link_it() -> None:
    program = with_blas(GRAPH)
    for emulate in (True, False):
        with pytest.raises(Unavailable, match="leave out `--blas`"):
            BACKEND.load(program, emulate=emulate)


def test_a_library_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="--blas mkl: there is no such library; there is cublaslt"):
        BACKEND.lower(GRAPH, Options(blas="mkl"))


def has_header() -> bool:
    """Whether nvcc finds NVIDIA's own header."""
    if shutil.which("nvcc") is None:
        return False
    command = ["nvcc", "-E", "-x", "cu", "-", "-o", "/dev/null"]
    probe = "#include <cublasLt.h>\n"
    return (
        subprocess.run(command, input=probe, text=True, capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.skipif(not has_header(), reason="cublasLt.h is not here")
@pytest.mark.parametrize("element", ["f32", "f16", "bf16"])
def test_nvcc_has_no_complaint(element: str, tmp_path: Path) -> None:
    file = tmp_path / "blas.cu"
    file.write_text(with_blas(in_type(GRAPH, element)).source, encoding="utf-8")
    command = ["nvcc", "-std=c++17", "-arch=sm_80", "-Werror", "all-warnings"]
    command += ["-Xcompiler", "-Wall,-Wextra", "-c", str(file), "-o", str(tmp_path / "blas.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
