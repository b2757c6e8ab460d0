"""Whole models, executed on the host: as exact as NumPy's module in the same precision."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from attn_cuda.cxx.unit import make_unit
from attn_cuda.runtime.cubin import build_cubin
from attn_cuda.source.calls import make_launcher
from emit_support import run
from error_rule import is_as_exact
from support import NDArray

from attn_dsl.backend import Program
from attn_dsl.ir import Sizes, evaluate
from attn_dsl.ir.ops import Input
from attn_dsl.pipeline import Compiled, analyse, load, lower, read
from attn_dsl.sample import sample_inputs

EXAMPLES = Path(__file__).parents[3] / "examples"
NOTES = EXAMPLES / "attention.md"
PRE_NORM = f"{EXAMPLES / 'modules' / 'pre_norm.md'}#Model"
ENCODER = """flowchart TD
    x(["x : ELEMENT[B, Lq, d_model]"]) --> y[Encoder Block]
"""
DECODER = """flowchart TD
    x(["x : ELEMENT[B, Lq, d_model]"]) --> y[Decoder Block]
    memory(["m : ELEMENT[B, Lk, d_model]"]) -- Memory --> y
"""
MODELS: dict[str, tuple[str, dict[str, int]]] = {
    "multi-head attention": (f"{NOTES}#3", {"N": 4, "D": 32, "Dv": 64}),
    "encoder and decoder": (f"{NOTES}#4", {"N": 2, "heads": 4, "d_model": 32}),
    "encoder block": (ENCODER, {"heads": 4, "d_model": 32}),
    "decoder block": (DECODER, {"heads": 2, "d_model": 48}),
    "pre-norm blocks": (PRE_NORM, {"heads": 3, "Stack.N": 2, "d_model": 24}),
}
SIZES = {"B": 2, "Lq": 21, "Lk": 70, "Input_length": 19, "Output_length": 21}


@cache
def model(name: str, element: str = "f32") -> tuple[Compiled, Program]:
    text, settings = MODELS[name]
    compiled = analyse(read(text.replace("ELEMENT", element)), settings | {"dtype": element})
    return compiled, lower(compiled, "cuda")


def inputs(name: str, element: str, *, masked: bool) -> dict[str, NDArray]:
    """Random ones, tokens of the whole vocabulary, and masks of which a row sees nothing."""
    graph, random = model(name, element)[0].drawn, np.random.default_rng(1)
    known = {**SIZES, **MODELS[name][1]}
    at = Sizes({symbol: known.get(symbol, 11) for symbol in graph.symbols}, (2,))
    arrays = sample_inputs(graph, at, seed=0)
    for statement in graph.inputs:
        assert isinstance(statement.op, Input)
        if statement.op.role == "bias":
            bias = arrays[statement.op.name]
            arrays[statement.op.name] = random.standard_normal(bias.shape).astype(bias.dtype)
        elif statement.op.optional and masked:
            keep = random.random(at.shape(statement.type)) < 0.7
            keep[..., 0, :] = False
            arrays[statement.op.name] = keep
    return arrays


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("element", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, element: str, masked: bool) -> None:
    compiled, program = model(name, element)
    arrays = inputs(name, element, masked=masked)
    plain = load(compiled, "numpy")(**arrays)
    ((_, wanted),) = evaluate(compiled.drawn, arrays).items()
    (found,) = run(program, arrays)
    assert is_as_exact([(found, plain, wanted)], found.dtype.name)
    if element == "f32":
        assert np.max(np.abs(found - wanted)) <= 1e-5


@pytest.mark.parametrize("element", ["f32", "bf16"])
def test_nvrtc_has_no_complaint(element: str) -> None:
    """The kernels are found by the names by which the launch list calls them."""
    _, program = model("encoder and decoder", element)
    launcher = make_launcher(make_unit(program.graph, program.sizes), program.entry)
    kernels = sorted({launch.kernel for _, launch in launcher.launches})
    assert set(build_cubin(program.source, kernels, "sm_90").symbols) == set(kernels)


def launches(source: str) -> list[str]:
    """The operations that the launched kernels are called after, in order."""
    return re.findall(r"(?:error =|return) launch\(([a-z]+)", source)


def test_what_an_encoder_block_starts() -> None:
    """Nothing is copied, and no kernel is there for a bias, an activation or a sum."""
    source = model("encoder block")[1].source
    assert launches(source) == [
        "linear", "linear", "linear", "attention", "add", "layer", "relu", "add", "layer",
    ]  # fmt: skip
    assert source.count("cudaMallocAsync(&") == 1


def test_layers_share_their_kernels() -> None:
    """So a model of more layers has more launches, and not one kernel more."""
    text, settings = MODELS["encoder and decoder"]
    sources = []
    for layers in (2, 4):
        compiled = analyse(read(text), settings | {"N": layers})
        sources.append(lower(compiled, "cuda").source)
    assert sources[0].count("__global__") == sources[1].count("__global__") <= 12
    assert len(launches(sources[0])) < len(launches(sources[1]))
