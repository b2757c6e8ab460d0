"""Keys and values with fewer heads than the queries: grouped heads, and one for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import attention, body, codes, compiled, normal, operations, problems, remarked

import attn_dsl
from attn_dsl.ir import evaluate
from attn_dsl.pipeline import load

DRAWING = """
Q(["Q : f32[{Q}, N, D]"])
K(["K : f32[{K}M, D]"])
V(["V : f32[{V}M, E]"])
Q --> S[MatMul]
K -- Transpose --> S
S --> m["Mask: k <= q + h"] --> P[Softmax]
P & V --> O[MatMul]
"""
FORMS = {
    "grouped": ("B, H", "B, G, ", "B, G, "),
    "grouped without a batch": ("H", "G, ", "G, "),
    "any batch": ("..., H", "..., G, ", "..., G, "),
    "grouped by numbers": ("B, 6", "B, 2, ", "B, 2, "),
    "shared": ("B, H", "B, ", "B, "),
    "shared, any batch": ("..., H", "..., ", "..., "),
    "shared by broadcasting": ("B, H", "B, 1, ", "B, 1, "),
    "keys grouped": ("B, H", "B, G, ", "B, H, "),
    "values grouped": ("B, H", "B, H, ", "B, G, "),
    "keys grouped, values shared": ("B, H", "B, G, ", "B, "),
}
SIZES = {"B": 2, "H": 6, "G": 2, "...": 2}


def arrays(form: str) -> dict[str, Any]:
    shapes = {}
    for name, dims, rows in zip("QKV", FORMS[form], ((5, 4), (7, 4), (7, 3)), strict=True):
        batch = [d.strip() for d in dims.split(",") if d.strip()]
        shapes[name] = (*(SIZES[d] if d in SIZES else int(d) for d in batch), *rows)
    return {name: normal(i, *shape) for i, (name, shape) in enumerate(shapes.items())}


def served(x: Any, q: Any) -> Any:
    """Keys or values with the heads of the query, by a loop."""
    if x.ndim < q.ndim:
        return np.stack([x] * q.shape[-3], -3)
    if x.shape[-3] == 1:
        return x
    each = q.shape[-3] // x.shape[-3]
    return np.stack([x[..., h // each, :, :] for h in range(q.shape[-3])], -3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_heads_that_serve_several(form: str, target: str) -> None:
    given = arrays(form)
    q, k, v = (given[name].astype(np.float64) for name in "QKV")
    keep = np.arange(7) <= np.arange(5)[:, None] + np.arange(6)[:, None, None]
    expected = attention(q, served(k, q), served(v, q), keep=keep)
    found = compiled(DRAWING.format(**dict(zip("QKV", FORMS[form], strict=True))), D=4, E=3)
    assert [remark.fused for remark in found.remarks] == [True]
    assert "repeat_heads" not in operations(found.fused)
    for graph in (found.drawn, found.fused):
        (value,) = evaluate(graph, given).values()
        np.testing.assert_allclose(value, expected, rtol=1e-12)
    kernel = load(found, target, emulate=target == "cuda")
    np.testing.assert_allclose(kernel(**given), expected, rtol=1e-4, atol=1e-5)


def test_a_note_says_which_heads_serve_which() -> None:
    drawing = DRAWING.format(Q="B, H", K="B, G, ", V="B, ")
    messages = [d.message for d in compiled(drawing).notes if d.code == "N024"]
    assert messages == [
        "each of the G heads of K serves H / G heads of Q",
        "all H heads of P share V, which has no heads",
    ]


def test_equal_heads_are_no_groups() -> None:
    found = compiled(DRAWING.format(Q="B, H", K="B, H, ", V="B, H, "))
    assert "N024" not in remarked(found)
    assert "grouped" not in body(found.fused)[0]


def test_a_call_whose_heads_do_not_divide_says_so() -> None:
    found = compiled(DRAWING.format(Q="B, H", K="B, G, ", V="B, G, "), D=4, E=3)
    given = arrays("grouped") | {"K": normal(1, 2, 4, 7, 4), "V": normal(2, 2, 4, 7, 3)}
    for target in ("numpy", "cuda"):
        with pytest.raises(
            ValueError, match="H = 6 query heads are no multiple of G = 4 key heads"
        ):
            load(found, target, emulate=target == "cuda")(**given)
    with pytest.raises(ValueError, match="H = 6 query heads are no multiple of G = 4 key heads"):
        evaluate(found.drawn, given)


def test_numbers_that_do_not_divide_are_an_error() -> None:
    (error,) = problems(DRAWING.format(Q="B, 8", K="B, 3, ", V="B, 8, "))
    assert error.code == "E038"
    assert "8 query heads are no multiple of 3 key heads" in error.message


@pytest.mark.parametrize(
    ("lhs", "rhs"), [("f32[B, N, E]", "f32[C, E, F]"), ("f32[B, H, N, E]", "f32[H, E, F]")]
)
def test_other_products_have_no_groups(lhs: str, rhs: str) -> None:
    """`C` is no `B` where nothing is a query or a key."""
    drawing = f'x["x : {lhs}"] & W["W : {rhs}"] --> y[MatMul]'
    assert codes(drawing) == (["E038"] if "C" in rhs else [])


def test_other_batch_dims_have_to_be_the_same() -> None:
    drawing = DRAWING.format(Q="B, H", K="C, G, ", V="B, H, ")
    assert codes(drawing) == ["E038"]


def test_weights_that_are_read_keep_their_heads() -> None:
    """Not fused, as the weights are an output: the copies are made, on both targets."""
    drawing = DRAWING.format(Q="B, H", K="B, G, ", V="B, G, ").replace(
        "P & V", "P --> Weights\nP & V"
    )
    given = arrays("grouped")
    for target in ("numpy", "cuda"):
        kernel = attn_dsl.compile(f"flowchart TD{drawing}", target=target, emulate=target == "cuda")
        q, k = given["Q"].astype(np.float64), served(given["K"], given["Q"])
        keep = np.arange(7) <= np.arange(5)[:, None] + np.arange(6)[:, None, None]
        expected = attention(q, k, np.eye(7), keep=keep)
        np.testing.assert_allclose(kernel(**given)["Weights"], expected, atol=1e-5)
