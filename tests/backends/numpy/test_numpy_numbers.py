"""The numbers of emitted modules, against the reference in float64."""

from __future__ import annotations

import re

import numpy as np
import pytest
from chains import chains
from hypothesis import given
from modules import CASES, case, compare, compare_drawn, emit, load
from support import NDArray, build, draw, examples

from attn_dsl.expr import parse, resolve
from attn_dsl.ir import Graph, Sizes, bind, evaluate, from_text, to_text
from attn_dsl.ir.ops import Input, Mask, MatMul, Op, Score, Softmax
from attn_dsl.tensors import numpy_dtype

pytestmark = pytest.mark.filterwarnings("ignore:invalid value")  # of inf - inf, as wanted
SIZES = Sizes({"B": 2, "H": 3, "N": 5, "M": 6, "D": 4, "E": 3, "h": 4, "J": 6, "G": 3}, (2,))
LENGTHS = (1, 7, 63, 65, 130, 300, 1000)
TENSORS = {"i": "i32[M]", "t": "f32[3, 4]", "m": "bool[N, M]", "w": "i32[N, M]", "u": "f32[N, M]"}


def attention(step: Op, *outputs: str) -> Graph:
    """softmax(step(Q K)) V, where `step` makes C of S."""
    inputs = {"Q": "f32[N, D]", "K": "f32[D, M]", "V": "f32[M, E]", **TENSORS}
    ops = [(name, Input(name, type_)) for name, type_ in inputs.items()]
    ops += [("S", MatMul("Q", "K")), ("C", step), ("P", Softmax("C")), ("O", MatMul("P", "V"))]
    return build(ops, *outputs)


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.ir")))
def test_every_case_of_the_fusion(name: str) -> None:
    graph = case(name)
    arrays = draw(graph, SIZES)
    if name == "optional_mask":
        compare(graph, arrays | {"mask": arrays["mask"] > 0})
        compare(graph, arrays | {"mask": arrays["mask"][:1]})
        del arrays["mask"]
    compare(graph, arrays)


@examples(120)
@given(chains())
def test_random_chains(graph: Graph) -> None:
    compare_drawn(graph, SIZES)


@examples(80)
@given(chains(softmax=False))
def test_random_chains_without_a_softmax(graph: Graph) -> None:
    compare_drawn(graph, SIZES)


@examples(60)
@given(chains(rows=True))
def test_random_chains_with_their_log_sum_exp(graph: Graph) -> None:
    assert (
        sum("attention_" in line for line in emit(graph).source.splitlines()) == 2
    )  # and its call
    compare_drawn(graph, SIZES)


@pytest.mark.parametrize("scale", [1, 20])
def test_log_sum_exp_with_and_without_a_maximum(scale: int) -> None:
    """Small scores are exponentiated as they are, large ones relative to their maximum."""
    for name in ("log_sum_exp", "log_sum_exp_alone", "log_sum_exp_with_sinks"):
        arrays = draw(case(name), Sizes(dict(SIZES.symbols) | {"N": 600, "M": 700}))
        arrays["Q"] *= np.float32(scale)
        compare(case(name), arrays)
        found = load(case(name))(arrays)["L"]
        assert name == "log_sum_exp_with_sinks" or np.isneginf(found[:, 0]).all()


def test_one_module_serves_every_length() -> None:
    graph = attention(Mask("S", parse("k <= q + M - N")), "O")
    call = load(graph)
    for n in LENGTHS:
        for m in LENGTHS:
            arrays = draw(graph, Sizes({"N": n, "M": m, "D": 16, "E": 5}), n + m)
            compare(graph, arrays, call)
            assert n <= m or not call(arrays)["O"][: n - m].any()


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("name", ["plain", "optional_mask", "score_expression", "no_product_above"])
def test_nothing_to_look_at(name: str, n: int, m: int) -> None:
    compare_drawn(case(name), Sizes(dict(SIZES.symbols) | {"N": n, "M": m}))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 1, 3), (0, 2)])
def test_any_batch_dims(batch: tuple[int, ...]) -> None:
    compare_drawn(case("any_batch_dims"), Sizes(SIZES.symbols, batch))


def test_rows_that_see_no_key_are_zero() -> None:
    graph = case("boolean_mask")
    arrays = draw(graph, Sizes({"N": 300, "M": 700, "D": 8, "E": 4}))
    arrays["m"][:, :600] = False
    compare(graph, arrays)
    arrays["m"][:] = False
    assert not load(graph)(arrays)["O"].any()
    keep = np.ones((300, 700), bool)
    keep[7] = keep[299] = False
    arrays = draw(case("optional_mask"), Sizes({"N": 300, "M": 700, "D": 8, "E": 4}))
    found = load(case("optional_mask"))(arrays | {"mask": keep})["O"]
    assert np.flatnonzero(~found.any(axis=1)).tolist() == [7, 299]


CONDITIONS = (
    "i[k] and k <= q",
    "i[k] == i[q] or not w",
    "i[k + 2] > 0 or i[q - 1] > 0",
    "t[q, k] > 0 and m",
    "t[i[k], 2] > t[i[q], k % 4]",
    "k & 1",
    "-(k < q) == -1 or m",
    "(k < q) + (k < 3) > 1",
    "m + m > 1",
    "min(m, k < 4) - (k < 2) <= 0",
    "2 ** (q - k) < 1",
    "2 ** -k > 0.2",
    "w * 2000000000 + w * 2000000000 >= 0",
    "i[k] * 3000000000 >= 0",
    "floor(t[q, k]) == 0",
    "t[k <= q, q < 3] > 0",
    "where(m, k, q) > 2",
    "h == 0 and b == 0 or m",
    "not (h or b)",
)
SCORES = (
    "k * 1.0",
    "1",
    "h + b + s",
    "where(k < q, s, 0)",
    "s - (s > 0)",
    "floor(s)",
    "s > 0",
    "s * m + w",
    "sigmoid(s) + exp(-abs(s)) + √(k + 1) + log(q + 1)",
    "max(s, min(k, q), m, -1)",
    "2 ** s",
    "s % 1 + s // 2",
    "u",
)
STEPS = [Mask("S", resolve(parse(text), {t: t for t in TENSORS})) for text in CONDITIONS]
STEPS += [Score("S", resolve(parse(text), {t: t for t in TENSORS})) for text in SCORES]


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("step", STEPS, ids=[*CONDITIONS, *SCORES])
def test_expressions(step: Op, fused: bool) -> None:
    compare_drawn(attention(step, *["O", "P"][: 2 - fused]), SIZES)


@pytest.mark.parametrize("outputs", [("O",), ("O", "P")], ids=["fused", "unfused"])
@pytest.mark.parametrize(
    "step",
    [
        Mask("S", parse("h == 0 and b == 0 or k <= q")),
        Score("S", parse("where(h < 1, s, √h * s) + max(b, 1)")),
    ],
)
def test_expressions_of_batch_and_head(step: Op, outputs: tuple[str, ...]) -> None:
    inputs = {"Q": "f32[B, H, N, D]", "K": "f32[B, H, D, M]", "V": "f32[B, H, M, E]"}
    ops: list[tuple[str, Op]] = [(name, Input(name, type_)) for name, type_ in inputs.items()]
    ops += [("S", MatMul("Q", "K")), ("C", step), ("P", Softmax("C")), ("O", MatMul("P", "V"))]
    compare_drawn(build(ops, *outputs), SIZES)


def pooled_error(found: NDArray, wanted: NDArray) -> float:
    return float(np.abs(found.astype(np.float64) - wanted).mean())


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("name", ["causal", "optional_mask", "score_expression"])
def test_16_bit_floats_are_computed_with_in_32(name: str, dtype: str) -> None:
    graph = from_text(to_text(case(name)).replace("f32", dtype))
    stored = numpy_dtype({"f16": "float16", "bf16": "bfloat16"}[dtype])
    sizes = Sizes(dict(SIZES.symbols) | {"N": 70, "M": 90})
    arrays = {n: a.astype(stored) if a.dtype.kind in "fV" else a for n, a in draw32(graph, sizes)}
    wanted = evaluate(graph, arrays)["O"]
    found = load(graph)(arrays)["O"]
    assert found.dtype == stored
    # Nothing is lost but by the rounding of the result itself.
    rounding = pooled_error(wanted.astype(stored), wanted)
    assert pooled_error(found, wanted) <= 1.1 * rounding
    assert all(a.dtype != np.float32 for a in arrays.values())


def draw32(graph: Graph, sizes: Sizes) -> list[tuple[str, NDArray]]:
    """As `draw`, of a graph whose types NumPy itself may not know."""
    wide = from_text(re.sub(r"\bb?f16\b", "f32", to_text(graph)))
    return list(draw(wide, sizes).items())


def unfused(graph: Graph, arrays: dict[str, NDArray]) -> NDArray:
    """One operation after the other, in f32."""
    values: dict[str, NDArray] = {}
    for s in graph.statements:
        values[s.name] = (
            arrays[s.op.name]
            if isinstance(s.op, Input)
            else np.asarray(s.op.evaluate(values, bind(graph, arrays).symbols))
        )
    return values[graph.outputs[0][1]]


@pytest.mark.parametrize("name", ["plain", "causal", "soft_cap_before_mask", "score_expression"])
@pytest.mark.parametrize("scale", [0.01, 1, 5, 30, 1000])
def test_scores_of_any_size(name: str, scale: float) -> None:
    """Up to ±1e6: small ones need no maximum, large ones do, and the border is no step."""
    graph = case(name)
    sizes = Sizes(dict(SIZES.symbols) | {"N": 600, "M": 600, "D": 16})
    arrays = draw(graph, sizes)
    arrays["Q"] *= np.float32(scale)
    arrays["Q"][..., ::7, :] *= np.float32(20)
    with np.errstate(all="ignore"):
        wanted, found = evaluate(graph, arrays)["O"], load(graph)(arrays)["O"]
        direct = unfused(graph, arrays)
    ulp = np.spacing(np.abs(wanted).max().astype(np.float32))
    assert pooled_error(found, wanted) <= 2 * pooled_error(direct, wanted) + 4 * float(ulp)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_what_is_masked_does_not_matter(value: float) -> None:
    """A key that nobody sees may hold anything."""
    graph = attention(Mask("S", parse("k < 5")), "O")
    arrays = draw(graph, Sizes({"N": 70, "M": 80, "D": 16, "E": 5}))
    clean = load(graph)(arrays)["O"]
    arrays["K"][:, 5:] = np.float32(value)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(load(graph)(arrays)["O"], clean, rtol=1e-5, atol=1e-6)
