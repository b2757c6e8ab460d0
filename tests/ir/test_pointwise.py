"""Expressions of elements of several tensors: type, meaning, text, and as a change of scores."""

from __future__ import annotations

import numpy as np
import pytest

from attn_dsl.expr import parse, resolve, to_text
from attn_dsl.ir import evaluate, from_text, parse_type, verify
from attn_dsl.ir import to_text as graph_text
from attn_dsl.ir.ops import Mask, Pointwise, Score

TYPES = {
    "x": "f64[N, M]",
    "row": "f64[M]",
    "single": "f32[1, M]",
    "ids": "i32[N, 1]",
    "wide": "i64[1, M]",
    "keep": "bool[B, 1, M]",
    "any": "f64[..., N, M]",
}
N, M, B = 3, 4, 2
random = np.random.default_rng(0)
ARRAYS = {
    "x": random.standard_normal((N, M)),
    "row": random.standard_normal(M),
    "ids": np.array([[2_000_000_000], [-3], [5]], np.int32),
    "wide": np.array([[4, -3, 2, 0]]),
    "keep": random.random((B, 1, M)) < 0.5,
}
x, row, ids, wide, keep = ARRAYS.values()
q, k = np.arange(N)[:, None], np.arange(M)


def pointwise(text: str, dtype: str = "f32") -> Pointwise:
    return Pointwise(resolve(parse(text), {name: name for name in TYPES}), dtype)


def type_of(text: str, dtype: str = "f32") -> str:
    types = {name: parse_type(text) for name, text in TYPES.items()}
    return str(pointwise(text, dtype).infer(types))


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("ids == wide", "bool[N, M]"),
        ("ids < 3", "bool[N, 1]"),
        ("keep and ids == 3", "bool[B, N, M]"),
        ("ids + 1", "i32[N, 1]"),
        ("ids + wide", "i64[N, M]"),
        ("where(x > 0, ids, 1)", "i32[N, M]"),
        ("where(x > 0, q, 1)", "i64[N, M]"),
        ("floor(x)", "i64[N, M]"),
        ("keep + 1", "i64[B, 1, M]"),
        ("min(x, row) * ids", "f64[N, M]"),
        ("single / ids", "f32[N, M]"),
        ("ids / 2", "f32[N, 1]"),
        ("where(ids == 1, any, 0)", "f64[..., N, M]"),
        ("row[k + q] + x", "f64[N, M]"),
        ("row[ids]", "f32[N, 1]"),
    ],
)
def test_types(text: str, type_: str) -> None:
    assert type_of(text) == type_


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("where(keep, any, 0)", "stands for other dims"),
        ("any[0, 1] * ids", "is indexed with 2 indices"),
        ("x[q] * ids", "is indexed with 1 index"),
    ],
)
def test_tensors_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        type_of(text)


def test_real_numbers_that_no_tensor_gives_have_a_dtype_of_their_own() -> None:
    assert type_of("ids / 2", "f64") == "f64[N, 1]"
    assert type_of("single + ids", "f64") == "f32[N, M]"
    with pytest.raises(ValueError, match="f64 beside f32"):
        type_of("x + single")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("max(x, row) - x", np.maximum(x, row) - x),
        ("where(ids == wide or q < k, x, -inf)", np.where((ids == wide) | (q < k), x, -np.inf)),
        ("ids * 3", (ids.astype(np.int64) * 3).astype(np.int32)),
        ("ids * 3 // 4", (ids.astype(np.int64) * 3 // 4).astype(np.int32)),
        ("wide // ids + wide % ids", wide // ids + wide % ids),
        ("(keep + keep) * x", 2.0 * keep * x),
        (
            "row[wide] + x[q - 1, k] + 0 * ids",
            np.where((wide < 0) | (wide > 3), 0, row[wide % 4]) + np.vstack([[0] * M, x[:-1]]),
        ),
        ("-1 < ids <= 5 < 7", np.broadcast_to((ids > -1) & (ids <= 5), (N, 1))),
        ("b + 0 * x", 0 * x),
        ("h + 0 * keep", np.broadcast_to(np.arange(B)[:, None, None], (B, 1, M))),
    ],
)
def test_meaning(text: str, wanted: np.ndarray) -> None:
    op = pointwise(text)
    lines = [f'%{n} = input() {{name="{n}", type="{t}"}} : {t}' for n, t in TYPES.items()]
    operands = ", ".join(f"%{name}" for name in op.operands)
    result = f'%O = pointwise({operands}) {{value="{to_text(op.value)}"}} : {type_of(text)}'
    graph = verify(from_text("\n".join(['graph "g"', *lines, result, 'return "O" = %O'])))
    assert graph.table["O"].op == op
    assert from_text(graph_text(graph)) == graph
    given = ARRAYS | {"single": np.zeros((1, M), np.float32), "any": np.zeros((N, M))}
    found = evaluate(graph, given)["O"]
    dtype = parse_type(type_of(text)).dtype
    assert found.dtype == ("float64" if dtype.is_float else dtype.numpy)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "scores", "wanted"),
    [
        ("min(x, row) + x", "x", "min(s, row) + s"),
        ("min(x, row) + x", "row", "min(x, s) + x"),
        ("where(k <= q, x, -inf)", "x", "where(k <= q, s, -inf)"),
        ("x + x[q, k]", "x", None),
        ("row[k]", "row", None),
        ("x + 1", "row", None),
    ],
)
def test_as_a_change_of_scores(text: str, scores: str, wanted: str | None) -> None:
    found = pointwise(text).as_score(scores)
    assert (found and to_text(found)) == wanted


def test_a_step_that_captures_its_own_scores_is_no_change_of_them() -> None:
    condition, value = (resolve(parse(t), {"x": "x"}) for t in ("x > 0", "s + x"))
    assert Mask("x", condition).as_score("x") is None
    assert Score("x", value).as_score("x") is None
    assert Score("y", value).as_score("y") == value
