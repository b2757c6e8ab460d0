"""Which GPU a file is emitted for, and what its header and its first lines say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from attn_cuda import BACKEND
from attn_cuda.cxx.unit import make_unit
from attn_cuda.source.architecture import ARCHITECTURES, check_architecture
from attn_cuda.source.calls import make_launcher
from emit_support import graph_of, lower
from test_emit_text import CAUSAL, HALF, OPTIONAL

from attn_dsl.backend import Options

HERE = Path(__file__).parent


def test_the_file_says_how_it_is_built() -> None:
    options = Options(sizes={"D": 64, "E": 64}, arch="sm_90a")
    assert "nvcc -arch=sm_90a -O3" in BACKEND.lower(CAUSAL, options).source
    assert "nvcc -arch=native -O3" in lower(CAUSAL, D=64, E=64).source


@pytest.mark.parametrize("name", ["sm_70", "sm_80a", "90", "sm_90A", "compute_90", ""])
def test_architectures_that_there_are_not(name: str) -> None:
    with pytest.raises(ValueError, match=rf"no GPU architecture '{name}'; there are sm_75, sm_80"):
        BACKEND.lower(CAUSAL, Options(sizes={"D": 64, "E": 64}, arch=name))


def test_an_architecture_without_the_instructions_of_a_kernel() -> None:
    launcher = make_launcher(make_unit(CAUSAL, {"D": 64, "E": 64}), "x")
    for name in ARCHITECTURES:
        check_architecture(launcher, name)
    ((value, launch),) = launcher.launches
    newer = replace(launcher, launches=((value, replace(launch, architecture=90)),))
    check_architecture(newer, "sm_90a")
    with pytest.raises(ValueError, match=r"takes sm_90 or later, and --arch is sm_89; in f32"):
        check_architecture(newer, "sm_89")


def test_sixteen_bits_take_sm_80() -> None:
    scaled = graph_of("X: bf16[N, D]", '%Y = scale(%X) {factor="2"} : bf16[N, D]')
    for graph in (HALF, scaled):
        with pytest.raises(ValueError, match="takes sm_80 or later, and --arch is sm_75"):
            BACKEND.lower(graph, Options(sizes={"D": 64, "E": 64}, arch="sm_75"))
        BACKEND.lower(graph, Options(sizes={"D": 64, "E": 64}, arch="sm_80"))


def test_headers(golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "goldens" / "optional.h", lower(OPTIONAL, D=64, E=64).header)


def test_names_and_batch_dims_of_the_header() -> None:
    graph = graph_of("restrict: f32[..., N, D]", "%Y = identity(%restrict) : f32[..., N, D]")
    header = lower(graph).header
    assert "const float* restrict_, float* Y_out," in header
    assert "// restrict_: f32[..., N, D]" in header
    assert "`...` stands for batch and heads" in " ".join(header.split())
