"""What fuses, to what; what does not, why, and at which operation. One golden a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chains import chains
from hypothesis import given
from support import draw, examples

from attn_dsl.ir import Graph, Origin, Sizes, evaluate, from_text, to_text, verify
from attn_dsl.ir.ops import Input, MatMul, Softmax, TiledAttention, TiledScores
from attn_dsl.passes import PIPELINE, Rewritten, fuse_attention, run_passes

CASES = sorted((Path(__file__).parent / "cases").glob("*.ir"))
SIZES = Sizes({"B": 2, "H": 3, "N": 5, "M": 6, "D": 4, "E": 3, "h": 4, "J": 6, "G": 3}, (2,))


def read(path: Path) -> Graph:
    """The graph of a case; as its origin, each statement has its own name."""
    graph = verify(from_text(path.read_text(encoding="utf-8")))
    statements = tuple(replace(s, origins=(Origin(s.name),)) for s in graph.statements)
    return replace(graph, statements=statements)


def report(rewritten: Rewritten) -> Iterator[str]:
    for remark in rewritten.remarks:
        verdict = "fused" if remark.fused else f"not fused: {remark.reason}"
        yield f"# {remark.value} {verdict} ({', '.join(o.title for o in remark.origins)})\n"
    yield to_text(rewritten.graph)


def same(graph: Graph, fused: Graph) -> None:
    """Both give the same numbers, with optional inputs in every form, and without."""
    arrays = draw(graph, SIZES)
    optional = {s.name: s for s in graph.inputs if isinstance(s.op, Input) and s.op.optional}
    required = {n: a for n, a in arrays.items() if n not in {s.op.name for s in optional.values()}}
    given = [required]
    for statement in optional.values():
        form = np.random.default_rng(1).integers(0, 2, SIZES.shape(statement.type))
        given.append(required | {statement.op.name: form.astype(statement.type.dtype.numpy)})
    for inputs in given:
        with np.errstate(all="ignore"):
            found, wanted = evaluate(fused, inputs), evaluate(graph, inputs)
        for label, value in wanted.items():
            np.testing.assert_allclose(found[label], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path, golden: Callable[[Path, str], None]) -> None:
    graph = read(case)
    rewritten = fuse_attention(graph)
    verify(rewritten.graph)
    assert {r.fused for r in rewritten.remarks} == {not case.stem.startswith("no_")}
    table = rewritten.graph.table
    assert all(isinstance(table[r.value].op, TiledScores) == r.fused for r in rewritten.remarks)
    golden(case.with_suffix(".fused"), "".join(report(rewritten)))
    same(graph, rewritten.graph)


def test_a_graph_that_does_not_fuse_is_left_as_it_is() -> None:
    for case in CASES:
        graph = read(case)
        if case.stem.startswith("no_"):
            assert fuse_attention(graph).graph == graph


@examples(250)
@given(chains())
def test_fusing_does_not_change_the_numbers(graph: Graph) -> None:
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    ops = [type(s.op) for s in rewritten.graph.statements]
    assert ops.count(TiledAttention) == 1
    assert Softmax not in ops
    same(graph, rewritten.graph)


@examples(250)
@given(chains(softmax=False))
def test_fusing_without_a_softmax_does_not_change_the_numbers(graph: Graph) -> None:
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    assert MatMul not in [type(s.op) for s in rewritten.graph.statements]
    same(graph, rewritten.graph)


PRODUCTS = """graph "g"
%Q = input() {name="Q", type="f32[N, D]"} : f32[N, D]
%K = input() {name="K", type="f32[M, D]"} : f32[M, D]
%V = input() {name="V", type="f32[M, E]"} : f32[M, E]
%T = transpose(%K) : f32[D, M]
%S = matmul(%Q, %T) : f32[N, M]
%P = sigmoid(%S) : f32[N, M]
%O = matmul(%P, %V) : f32[N, E]
return "O" = %O
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%P = sigmoid(%S)", '%P = scale(%S) {factor="2"}'),
        ("%P = sigmoid(%S)", "%P = identity(%S)"),
        ("%T = transpose(%K)", '%T = input() {name="T", type="f32[D, M]"}'),
        ('{name="K", type="f32[M, D]"}', '{name="K", type="f32[M, D]", role="weight"}'),
        ('{name="K", type="f32[M, D]"}', '{name="K", type="f32[M, D]", parameter=true}'),
        ("%P = sigmoid(%S)", '%P = input() {name="P", type="f32[N, M]"}'),
    ],
)
def test_products_alone_stay_products(old: str, new: str) -> None:
    """So do layers, which multiply with weights."""
    assert old in PRODUCTS
    assert [r.fused for r in fuse_attention(verify(from_text(PRODUCTS))).remarks] == [True]
    graph = verify(from_text(PRODUCTS.replace(old, new)))
    rewritten = fuse_attention(graph)
    assert rewritten.graph == graph
    assert not rewritten.remarks


def test_passes_are_observed_by_name() -> None:
    seen: list[tuple[str, Graph]] = []
    rewritten = run_passes(read(CASES[0]), lambda name, graph: seen.append((name, graph)))
    assert [name for name, _ in seen] == [step.name for step in PIPELINE]
    assert seen[-1][1] == rewritten.graph


@pytest.mark.parametrize(
    ("score", "reason"),
    [("tanh(s)", "nest more than 100 deep"), ("max(s, s / 2)", "have more than 1000 parts in all")],
)
def test_a_chain_that_becomes_too_large_is_left(score: str, reason: str) -> None:
    steps = "".join(
        f'%S{i + 1} = score(%S{i}) {{value="{score}"}} : f32[N, M]\n' for i in range(400)
    )
    text = (CASES[-1].parent / "plain.ir").read_text(encoding="utf-8")
    head, tail = text.replace("%S ", "%S0 ").split("%P = ")
    graph = from_text(head + steps + "%P = " + tail.replace("%S)", "%S400)"))
    (remark,) = fuse_attention(graph).remarks
    assert not remark.fused
    assert reason in remark.reason
