"""Emitted kernels are as exact as the unfused computation, also where values are extreme."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from attn_numpy import BACKEND
from error_rule import is_as_exact
from modules import emit
from support import NDArray, build

from attn_dsl.backend import Options
from attn_dsl.expr import Expr, parse, resolve
from attn_dsl.ir import Graph, bind, evaluate
from attn_dsl.ir.ops import (
    Add,
    Input,
    LogSumExp,
    Mask,
    MatMul,
    Op,
    RepeatHeads,
    Scale,
    Score,
    Sigmoid,
    Softmax,
    Transpose,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = ("bias", "keep", "sinks", "t")
LENGTHS = ((40, 50), (1, 50), (40, 1), (40, 0), (300, 600))
Ops = list[tuple[str, Op]]


def expression(text: str) -> Expr:
    return resolve(parse(text), {name: name for name in NAMES})


def attention(steps: Callable[[str], Ops], last: Op, rows: bool = False) -> Graph:
    """last(steps(Q Kᵀ)) V, with heads that serve two each."""
    tensors = {"Q": "H, N, D", "K": "G, M, D", "V": "G, M, E", "sinks": "H", "t": "H"}
    ops: Ops = [(name, Input(name, f"f32[{dims}]")) for name, dims in tensors.items()]
    ops += [("bias", Input("bias", "f32[N, M]")), ("keep", Input("keep", "bool[N, M]"))]
    ops += [("Kt", Transpose("K")), ("Kh", RepeatHeads("Kt", parse("H")))]
    ops += [("Vh", RepeatHeads("V", parse("H"))), ("S", MatMul("Q", "Kh"))]
    ops += steps("S")
    ops += [("P", last), ("O", MatMul("P", "Vh"))]
    if rows:
        assert isinstance(last, Softmax)
        ops += [("L", LogSumExp("Z", sink=last.sink))]
    graph = build(ops, "O", *["L"] * rows)
    return Graph.ordered(graph.name, graph.statements, graph.outputs)


def scaled(*steps: Op) -> Callable[[str], Ops]:
    """1/√D, then each of `steps` on `s`, the last one called Z."""

    def made(scores: str) -> Ops:
        names = [*(f"y{n}" for n in range(len(steps))), "Z"]
        ops: Ops = [(names[0], Scale(scores, parse("1 / √D")))]
        for number, step in enumerate(steps):
            ops.append((names[number + 1], step.rename({"s": names[number]})))
        return ops

    return made


CASES: dict[str, Graph] = {
    "plain": attention(scaled(), Softmax("Z"), rows=True),
    "causal": attention(scaled(Mask("s", parse("k <= q + M - N"))), Softmax("Z"), rows=True),
    "boolean mask": attention(scaled(Mask("s", expression("keep"))), Softmax("Z"), rows=True),
    "bias": attention(scaled(Add("s", "bias")), Softmax("Z")),
    "soft cap": attention(
        scaled(Score("s", parse("30 * tanh(s / 30)")), Mask("s", parse("k <= q"))), Softmax("Z")
    ),
    "temperature": attention(scaled(Score("s", expression("s / t[h]"))), Softmax("Z")),
    "sinks": attention(
        scaled(Mask("s", expression("keep"))), Softmax("Z", sink=expression("sinks[h]")), rows=True
    ),
    "sigmoid": attention(scaled(Score("s", parse("s - log(M + 1)"))), Sigmoid("Z")),
    "masked sigmoid": attention(scaled(Mask("s", expression("keep and k <= q"))), Sigmoid("Z")),
}


def arrays(queries: int, keys: int, size: float, seed: int) -> dict[str, NDArray]:
    """Scores of about ± `size`; some rows see nothing, and some biases are -inf."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray:
        return random.standard_normal(shape).astype(np.float32)

    keep = random.random((queries, keys)) < 0.6
    keep[::7] = False
    bias = np.where(random.random((queries, keys)) < 0.8, normal(queries, keys), -np.inf)
    bias[::5] = -np.inf
    return {
        "Q": normal(4, queries, 16) * np.float32(size),
        "K": normal(2, keys, 16),
        "V": normal(2, keys, 8),
        "sinks": normal(4) * np.float32(size),
        "t": np.abs(normal(4)) + np.float32(0.5),
        "bias": bias.astype(np.float32),
        "keep": keep,
    }


def run(graph: Graph, fused: bool) -> Callable[[Mapping[str, NDArray]], dict[str, NDArray]]:
    """The emitted module, with or without the passes before."""
    program = emit(graph) if fused else BACKEND.lower(graph, Options())
    runner = BACKEND.load(program)
    labels = [label for label, _ in graph.outputs]

    def call(given: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return dict(zip(labels, runner(given, bind(program.graph, given)), strict=True))

    return call


@pytest.mark.parametrize("size", [1, 30, 1e4])
@pytest.mark.parametrize("name", CASES)
def test_the_error_is_that_of_the_unfused_computation(name: str, size: float) -> None:
    graph = CASES[name]
    used = {s.op.name for s in graph.inputs if isinstance(s.op, Input)}
    kernel, unfused = run(graph, fused=True), run(graph, fused=False)
    assert "attention_O(" in emit(graph).source
    triples = []
    for seed, (queries, keys) in enumerate(LENGTHS):
        given = {n: a for n, a in arrays(queries, keys, size, seed).items() if n in used}
        found, plain = kernel(given), unfused(given)
        wanted = evaluate(graph, given)
        triples += [(found[label], plain[label], wanted[label]) for label in wanted]
    assert is_as_exact(triples)


@pytest.mark.parametrize("name", CASES)
def test_rows_without_a_key_are_zero(name: str) -> None:
    graph = CASES[name]
    used = {s.op.name for s in graph.inputs if isinstance(s.op, Input)}
    kernel = run(graph, fused=True)
    given = {n: a for n, a in arrays(40, 50, 1e4, 0).items() if n in used}
    if "keep" in given:
        assert not kernel(given)["O"][:, ::7].any()
    if "bias" in given:
        assert not kernel(given)["O"][:, ::5].any()
    nothing = {n: a for n, a in arrays(40, 0, 1e4, 0).items() if n in used}
    assert not kernel(nothing)["O"].any()
