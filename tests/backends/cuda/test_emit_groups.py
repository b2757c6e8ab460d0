"""Which operations share a kernel, where values lie, and what becomes of the numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from attn_cuda.cxx.unit import make_unit
from attn_cuda.source.arena import Place, plan_arena
from attn_cuda.source.calls import make_launcher
from attn_cuda.source.groups import groups_of
from emit_support import Array, check, draw, graph_of, lower, run
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.ir import Graph, evaluate

LAYER = ("x: f32[B, N, E]", "w: f32[E, E]", "c: f32[E]", "y: f32[B, N, E]", "r: f32[N, E]")
TYPE = "f32[B, N, E]"


def graph(*lines: str, outputs: tuple[str, ...] = ()) -> Graph:
    """Operations on `x y: f32[B, N, E]`, a row-wise `r`, a layer `w c`."""
    used = [line for line in LAYER if re.search(rf"%{line[0]}\b", " ".join(lines))]
    typed = [line if " : " in line else f"{line} : {TYPE}" for line in lines]
    return graph_of(*used, *typed, outputs=outputs)


def kernels(graph: Graph) -> list[str]:
    """The values that each kernel computes, as `a b`."""
    groups = [[s.name for s in group] for group in groups_of(graph)]
    inputs = {s.name for s in graph.inputs}
    return [" ".join(group) for group in groups if group[0] not in inputs]


GROUPS = {
    "a chain": (("%a = add(%x, %y)", "%g = relu(%a)", "%f = multiply(%g, %r)"), ["a g f"]),
    "a value used twice": (("%a = relu(%x)", "%g = add(%a, %y)", "%f = multiply(%g, %a)"),
                           ["a", "g f"]),
    "both sides": (("%a = relu(%x)", "%g = tanh(%y)", "%f = multiply(%a, %g)"), ["a g f"]),
    "a layer and what follows": (
        ("%a = linear(%x, %w, %c)", "%g = relu(%a)", "%f = add(%g, %y)"), ["a g f"]),
    "a layer on the right": (
        ("%a = relu(%y)", "%g = linear(%x, %w)", "%f = subtract(%a, %g)"), ["g a f"]),
    "two layers": (
        ("%a = linear(%x, %w)", "%g = linear(%y, %w, %c)", "%f = multiply(%a, %g)"), ["g", "a f"]),
    "two scales": (
        ('%a = scale(%x) {factor="2"}', '%g = scale(%a) {factor="1 / E"}', "%f = tanh(%g)"),
        ["a", "g f"]),
    "a value that spreads": (
        ("%a = tanh(%r) : f32[N, E]", "%f = add(%a, %x)"), ["a", "f"]),
    "nothing done to it": (("%a = identity(%x)", "%f = relu(%a)"), ["a f"]),
    "positions": (("%a = linear(%x, %w)", "%g = positions(%a)", "%f = relu(%g)"), ["a g f"]),
    "a cast": (
        ("%a = relu(%x)", '%g = cast(%a) {dtype="i32"} : i32[B, N, E]',
         '%f = pointwise(%g, %y) {value="g * y"}'), ["a g f"]),
    "read elsewhere": (
        ("%a = relu(%x)", '%f = pointwise(%a, %y) {value="a[b, q, E - 1 - k] + y"}'), ["a", "f"]),
}  # fmt: skip


def sized(values: Graph) -> dict[str, Array]:
    arrays = draw(values, B=2, N=35, E=33)
    return {name: array / np.float32(8 if name == "w" else 1) for name, array in arrays.items()}


@pytest.mark.parametrize("name", GROUPS)
def test_groups(name: str) -> None:
    lines, wanted = GROUPS[name]
    drawn = graph(*lines)
    assert kernels(drawn) == wanted
    check(lower(drawn), sized(drawn))


def test_outputs_are_stored() -> None:
    lines = ("%a = linear(%x, %w, %c)", "%g = relu(%a)", "%f = add(%g, %y)")
    drawn = graph(*lines, outputs=("g", "f", "a"))
    assert kernels(drawn) == ["a", "g", "f"]
    check(lower(drawn), sized(drawn))


def test_a_line_for_each_operation() -> None:
    source = lower(graph("%a = linear(%x, %w, %c)", "%g = relu(%a)", "%f = add(%g, %y)")).source
    lines = [line.strip() for line in source.splitlines()]
    at = lines.index("const float a = product + c.at(b, h, q, k);")
    assert lines[at + 1 : at + 3] == [
        "const float g = fmaxf(a, 0);",
        "f.at(b, h, q, k) = g + y.at(b, h, q, k);",
    ]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (("%a = relu(%x)", "%i = linear(%a, %w)", "%f = linear(%i, %w, %c)"), 1),
        (("%i = linear(%x, %w)", "%j = tanh(%i)", "%g = linear(%j, %w)", "%f = add(%g, %r)"), 0),
        (("%i = linear(%x, %w)", "%j = tanh(%i)", "%g = linear(%j, %w)", "%f = positions(%g)"), 0),
    ],
    ids=["a layer", "other rows for each batch", "asks for its row"],
)
def test_rows_of_all_batches_are_one_matrix(lines: tuple[str, ...], joined: int) -> None:
    drawn = graph(*lines)
    program = lower(drawn)
    blocks = re.findall(r"launch\(\w+, (.*?), THREADS", program.source, re.DOTALL)
    assert sum("B * N" in text for text in blocks[-1:]) == joined
    check(program, sized(drawn))


def test_layers_that_repeat_share_a_kernel() -> None:
    lines = ["%a0 = relu(%x)"]
    for n in range(3):
        lines += [f"%l{n} = linear(%a{n}, %w, %c)", f"%a{n + 1} = relu(%l{n})"]
    drawn = graph(*lines)
    source = lower(drawn).source
    assert source.count("__global__") == 2
    assert source.count("tile_product(a0, w,") == 1
    assert source.count("launch(relu_a1,") == 3
    check(lower(drawn), sized(drawn))


def heads(*more: str) -> Graph:
    """Attention in 3 heads whose keys and values are columns of one tensor."""
    return graph_of(
        "Q: f32[B, N, 24]",
        "K: f32[B, M, 48]",
        '%keys = slice(%K) {first="0", count="24"} : f32[B, M, 24]',
        '%values = slice(%K) {first="24", count="24"} : f32[B, M, 24]',
        "%Q_heads = split_heads(%Q) {heads=3} : f32[B, 3, N, 8]",
        "%key_heads = split_heads(%keys) {heads=3} : f32[B, 3, M, 8]",
        "%value_heads = split_heads(%values) {heads=3} : f32[B, 3, M, 8]",
        "%o = tiled_attention(%Q_heads, %key_heads, %value_heads) : f32[B, 3, N, 8]",
        *more,
    )


def test_heads_are_split_and_merged_in_place() -> None:
    drawn = heads("%m = merge_heads(%o) : f32[B, N, 24]")
    program = lower(drawn)
    assert program.source.count("error = launch(") + program.source.count("return launch(") == 1
    check(program, draw(drawn, B=2, N=35, M=21))


def test_heads_that_lie_apart_are_copied() -> None:
    drawn = graph_of(
        "x: f32[B, 3, N, D]",
        "%m = merge_heads(%x) : f32[B, N, 3*D]",
        "%t = relu(%m) : f32[B, N, 3*D]",
    )
    check(lower(drawn), draw(drawn, B=2, N=5, D=7))
    both = graph_of(
        "x: f32[B, 3, N, D]",
        "%y = relu(%x) : f32[B, 3, N, D]",
        "%m = merge_heads(%y) : f32[B, N, 3*D]",
        outputs=("y", "m"),
    )
    check(lower(both), draw(both, B=2, N=5, D=7))


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 1, 7), (3, 5, 1), (1, 1, 1)])
def test_dims_of_one(shape: tuple[int, int, int]) -> None:
    """A stride of 0 along a dim of 1 is broadcasting, however the dim came to be."""
    h, n, d = shape
    drawn = graph_of(
        f"x: f32[2, {n}, {h * d}]",
        f"y: f32[2, 4, {n}, {d}]" if h == 1 else f"y: f32[2, {h}, {n}, {d}]",
        f"%p = split_heads(%x) {{heads={h}}} : f32[2, {h}, {n}, {d}]",
        f"%a = add(%p, %y) : f32[2, {max(h, 4) if h == 1 else h}, {n}, {d}]",
        f"%g = relu(%p) : f32[2, {h}, {n}, {d}]",
        f"%m = merge_heads(%g) : f32[2, {n}, {h * d}]",
        f"%t = transpose(%m) : f32[2, {h * d}, {n}]",
        outputs=("a", "m", "t"),
    )
    check(lower(drawn), draw(drawn))


def test_outputs_that_are_views() -> None:
    """Written where they are wanted, if a kernel can; else copied."""
    drawn = graph_of(
        "x: f32[N, M]",
        "%a = relu(%x) : f32[N, M]",
        "%t = transpose(%a) : f32[M, N]",
        "%g = tanh(%x) : f32[N, M]",
        '%c = slice(%g) {first="1", count="M - 2"} : f32[N, M - 2]',
        '%d = slice(%t) {first="0", count="N"} : f32[M, N]',
        outputs=("t", "c", "d"),
    )
    check(lower(drawn), draw(drawn, N=6, M=9))
    source = lower(drawn).source
    assert "View<float>{t, 0, 0, 1, N}" in source
    assert source.count("launch(copy<float>") == 2


def test_rows_that_tensor_cores_cannot_load_are_copied() -> None:
    """They take 16 bytes at a time: keys by columns, and rows that begin in between, first move."""
    lines = (
        "X: f16[N, 40]", "KT: f16[16, M]", "V: f16[M, 16]",
        '%A = slice(%X) {first="1", count="16"} : f16[N, 16]',
        '%B = slice(%X) {first="8", count="16"} : f16[N, 16]',
        "%K = transpose(%KT) : f16[M, 16]",
        "%O = tiled_attention(%A, %K, %V) : f16[N, 16]",
        "%P = tiled_attention(%B, %V, %K) : f16[N, 16]",
    )  # fmt: skip
    drawn = graph_of(*lines, outputs=("O", "P"))
    program = lower(drawn)
    assert re.findall(r"launch\(cast_(\w+)", program.source) == ["A_rows", "K_rows"]
    check(program, draw(drawn, N=35, M=21))


def test_joined_weights_are_taken_apart() -> None:
    drawn = graph_of(
        "x: f32[N, E]", "u: f32[D, E]", "v: f32[G, E]", "c: f32[D]", "d: f32[G]",
        "%w = concatenate(%u, %v) {axis=-2} : f32[D + G, E]",
        "%b_ = concatenate(%c, %d) : f32[D + G]",
        "%l = linear(%x, %w, %b_) : f32[N, D + G]",
        '%y = slice(%l) {first="0", count="D"} : f32[N, D]',
        '%z = slice(%l) {first="D", count="G"} : f32[N, G]',
        outputs=("z", "y"),
    )  # fmt: skip
    source = lower(drawn).source
    assert "copy" not in source
    assert source.count("launch(linear_") == 2
    check(lower(drawn), draw(drawn, N=5, E=4, D=3, G=2))
    whole = Graph(drawn.name, drawn.statements, (*drawn.outputs, ("l", "l")))
    check(lower(whole), draw(whole, N=5, E=4, D=3, G=2))


def test_weights_that_are_joined_otherwise_stay_so() -> None:
    """Side by side they are one weight for a longer input, and no part of it a layer's own."""
    drawn = graph_of(
        "x: f32[N, 2*E]", "u: f32[D, E]", "v: f32[D, E]",
        "%w = concatenate(%u, %v) : f32[D, 2*E]",
        "%l = linear(%x, %w) : f32[N, D]",
        '%y = slice(%l) {first="0", count="D"} : f32[N, D]',
    )  # fmt: skip
    check(lower(drawn), draw(drawn, N=5, E=4, D=3))


def places(drawn: Graph) -> tuple[Place, ...]:
    return make_launcher(make_unit(drawn, {}), "test").arena


CHAIN = [f"%s{n + 1} = softmax(%{f's{n}' if n else 'x'})" for n in range(6)]


def test_values_share_places() -> None:
    """Of a chain, two are needed at a time, however long it is."""
    drawn = graph(*CHAIN)
    assert [place.values for place in places(drawn)] == [("s1", "s3", "s5"), ("s2", "s4")]
    source = lower(drawn).source
    assert source.count("cudaMallocAsync(&") == 1
    check(lower(drawn), sized(drawn))


def test_a_place_is_as_long_as_its_longest_value() -> None:
    drawn = graph_of(
        "x: f32[N, E]", "w: f32[4*E, E]", "v: f32[E, 4*E]", "u: f32[G, E]",
        "%a = linear(%x, %w) : f32[N, 4*E]", "%g = linear(%a, %v) : f32[N, E]",
        "%f = linear(%g, %u) : f32[N, G]", "%z = softmax(%f) : f32[N, G]",
    )  # fmt: skip
    program = lower(drawn)
    found = places(drawn)
    assert [p.values for p in found] == [("a", "f"), ("g",)]
    assert "scratch.reserve(16 * (E * N), 4 * (G * N))" in program.source
    for group in (3, 50):
        check(program, draw(drawn, N=9, E=6, G=group))


@st.composite
def lives(draw: st.DrawFn) -> dict[str, tuple[int, int]]:
    """Values with the launches that they are needed from and to."""
    spans = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=12))
    return {f"v{n}": (first, first + length) for n, (first, length) in enumerate(spans)}


@examples(60)
@given(lives(), st.data())
def test_no_two_live_values_share_a_place(
    spans: dict[str, tuple[int, int]], data: st.DataObject
) -> None:
    sizes = ("N", "4*N", "M", "N + M", "7")
    lines = [f"{name}: f32[{data.draw(st.sampled_from(sizes))}]" for name in spans]
    drawn = graph_of(*lines, "N_: f32[N, M]")
    found = plan_arena(make_unit(drawn, {}), spans)
    assert sorted(v for place in found for v in place.values) == sorted(spans)
    at = {"N": data.draw(st.integers(0, 9)), "M": data.draw(st.integers(0, 9))}
    for place in found:
        times = [spans[value] for value in place.values]
        for n, (first, last) in enumerate(times):
            assert all(last < a or z < first for a, z in times[n + 1 :])
        longest = max(size.value(at) for size in place.sizes)
        for value in place.values:
            assert longest >= 4 * drawn.types[value].dims[0].value(at)


@examples(15)
@given(st.data())
def test_any_graph(data: st.DataObject) -> None:
    """Random graphs of all that shares kernels or memory give what the reference gives."""
    values, lines = ["x", "y"], []
    unary = ("relu(%{a})", "linear(%{a}, %w, %c)", "softmax(%{a})", "identity(%{a})",
             'scale(%{a}) {{factor="1 / E"}}', "add(%{a}, %{b})", "subtract(%{b}, %{a})",
             "multiply(%{a}, %r)")  # fmt: skip
    for n in range(data.draw(st.integers(2, 9))):
        text = data.draw(st.sampled_from(unary))
        a, b = (data.draw(st.sampled_from(values[-4:])) for _ in range(2))
        lines.append(f"%v{n} = " + text.format(a=a, b=b))
        values.append(f"v{n}")
    several = data.draw(st.lists(st.sampled_from(values[2:]), max_size=1))
    drawn = graph(*lines, outputs=tuple(dict.fromkeys([*several, values[-1]])))
    arrays = draw(drawn, B=2, N=3, E=5)
    for got, want in zip(run(lower(drawn), arrays), evaluate(drawn, arrays).values(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
