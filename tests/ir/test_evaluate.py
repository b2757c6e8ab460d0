"""The reference against NumPy written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from attn_dsl.ir import evaluate, from_text
from attn_dsl.ir.ops.softmax import log_sum_exp, softmax

HEAD = """graph "g"
%Q = input() {name="Q", type="f32[..., N, D]"} : f32[..., N, D]
%K = input() {name="K", type="f32[..., M, D]"} : f32[..., M, D]
%V = input() {name="V", type="f32[..., M, E]"} : f32[..., M, E]
%keep = input() {name="mask", type="bool[N, M]", optional=true} : bool[N, M]
%bias = input() {name="mask", type="f32[N, M]", optional=true} : f32[N, M]
%T = transpose(%K) : f32[..., D, M]
%S = matmul(%Q, %T) : f32[..., N, M]
%A = scale(%S) {factor="1 / sqrt(D)"} : f32[..., N, M]
%B = add(%A, %bias) : f32[..., N, M]
"""
TAIL = """%P = softmax(%C) : f32[..., N, M]
%O = matmul(%P, %V) : f32[..., N, E]
return "O" = %O
"""
MASKED = HEAD + '%C = mask(%B, %keep) {keep="keep and k <= q + 2"} : f32[..., N, M]\n' + TAIL
random = np.random.default_rng(1)


def arrays(n: int, m: int, *batch: int) -> dict[str, np.ndarray]:
    shapes = {"Q": (*batch, n, 8), "K": (*batch, m, 8), "V": (*batch, m, 3)}
    return {name: random.standard_normal(s).astype(np.float32) for name, s in shapes.items()}


def attention(a: dict[str, np.ndarray], bias: object = 0.0, keep: object = True) -> np.ndarray:
    q, k, v = (a[name].astype(np.float64) for name in "QKV")
    n, m = q.shape[-2], k.shape[-2]
    scores = np.einsum("...nd,...md->...nm", q, k) / np.sqrt(8) + bias
    seen = np.arange(m) <= np.arange(n)[:, None] + 2
    weights = np.where(seen & keep, np.exp(scores), 0)
    return np.einsum("...nm,...me->...ne", weights / weights.sum(-1, keepdims=True), v)


@pytest.mark.parametrize(("n", "m", "batch"), [(5, 7, ()), (7, 5, (2,)), (1, 9, (2, 3))])
def test_masked_attention(n: int, m: int, batch: tuple[int, ...]) -> None:
    given = arrays(n, m, *batch)
    graph = from_text(MASKED)
    bias, keep = random.standard_normal((n, m)), random.random((n, m)) < 0.7
    keep[:, 0] = True
    for mask, wanted in (
        (None, attention(given)),
        (bias, attention(given, bias=bias)),
        (keep, attention(given, keep=keep)),
        (keep[:1], attention(given, keep=keep[:1])),
    ):
        found = evaluate(graph, given if mask is None else given | {"mask": mask})["O"]
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_rows_that_see_no_key_are_zero() -> None:
    keep = np.ones((4, 6), bool)
    keep[2] = False
    found = evaluate(from_text(MASKED), arrays(4, 6) | {"mask": keep})["O"]
    assert np.array_equal(found[2], np.zeros(3))
    assert np.all(found[[0, 1, 3]] != 0)
    assert np.array_equal(evaluate(from_text(MASKED), arrays(4, 0))["O"], np.zeros((4, 3)))
    assert evaluate(from_text(MASKED), arrays(0, 6))["O"].shape == (0, 3)


def test_softmax_of_extremes() -> None:
    x = np.array([[-np.inf, -np.inf], [9e307, -8e307], [-1e308, -np.inf], [-800.0, -800.0]])
    assert softmax(x).tolist() == [[0, 0], [1, 0], [1, 0], [0.5, 0.5]]
    assert softmax(x.T, axis=0).tolist() == softmax(x).T.tolist()
    assert softmax(np.zeros((3, 0))).shape == (3, 0)


@pytest.mark.parametrize(("batch", "h"), [((), [0]), ((2, 3), [0, 1, 2])])
def test_indices_count_dims_from_the_right(batch: tuple[int, ...], h: list[int]) -> None:
    line = '%C = score(%B) {value="100 * b + 10 * h + q - k"} : f32[..., N, M]\n'
    graph = from_text(HEAD + line + 'return "C" = %C\n')
    found = evaluate(graph, arrays(4, 5, *batch))["C"]
    assert found.shape == (*batch, 4, 5)
    for index in np.ndindex(found.shape):
        b, head = (0, 0, *index[:-2])[-2:]
        assert found[index] == 100 * b + 10 * head + index[-2] - index[-1]
    assert sorted(set(found[..., 0, 0].ravel() % 100 / 10)) == h


def test_the_fused_operation_is_what_it_was_fused_from() -> None:
    fused = """graph "g"
%Q = input() {name="Q", type="f32[N, D]"} : f32[N, D]
%K = input() {name="K", type="f32[M, D]"} : f32[M, D]
%V = input() {name="V", type="f32[M, E]"} : f32[M, E]
%O = tiled_attention(%Q, %K, %V) {scale="1 / sqrt(D)", score="s", mask="k <= q + 2"} : f32[N, E]
return "O" = %O
"""
    given = arrays(5, 7)
    np.testing.assert_allclose(evaluate(from_text(fused), given)["O"], attention(given), rtol=1e-12)


def test_a_sink_takes_weight_and_never_overflows() -> None:
    x = np.array([[1.0, 2.0], [-np.inf, -np.inf], [1e4, -1e4]])
    for sink in (0.0, 3.0, -np.inf, 1e4, -1e4):
        with np.errstate(under="ignore"):
            found = softmax(x, sink=np.full((3, 1), sink))
        assert np.isfinite(found).all()
        assert not found[1].any()
    np.testing.assert_allclose(softmax(x, sink=1e4)[2], [0.5, 0])
    np.testing.assert_allclose(softmax(x, sink=2.0)[0].sum(), 1 - 1 / (2 + np.exp(-1)))


def test_a_log_sum_exp_of_nothing_is_minus_infinity() -> None:
    x = np.array([[1e4, 1e4], [-np.inf, -np.inf], [-1e4, -np.inf]])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(log_sum_exp(x), [1e4 + np.log(2), -np.inf, -1e4])
        np.testing.assert_allclose(
            log_sum_exp(x, sink=np.full((3, 1), 3.0)), [1e4 + np.log(2), 3, 3]
        )
        assert log_sum_exp(np.zeros((2, 0))).tolist() == [-np.inf, -np.inf]
