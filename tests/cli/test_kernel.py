"""`attn_dsl.compile` and the kernel that it returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import attn_dsl

TEXT = """flowchart TD
    Q["Q : f32[N, D]"] & K["K : f32[M, D]"] --> S[MatMul]
    S --> Mask["Mask (opt.)"] --> P[Softmax]
    P & V["V : f32[M, E]"] --> O[MatMul]
    O --> W2[MatMul]
    W["W_o : f32[E, F]"] --> W2
    S --> Scores
"""
RANDOM = np.random.default_rng(0)
Q, K, V, W = (
    RANDOM.standard_normal(shape).astype(np.float32) for shape in ((5, 4), (6, 4), (6, 3), (3, 2))
)


@pytest.fixture(scope="module")
def kernel() -> attn_dsl.Kernel:
    return attn_dsl.compile(TEXT)


def test_by_name_and_in_order_are_the_same(kernel: attn_dsl.Kernel) -> None:
    by_name = kernel(W_o=W, V=V, Q=Q, K=K)
    in_order = kernel(Q, K, V, W)
    assert list(by_name) == list(kernel.outputs) == ["W2", "Scores"]
    np.testing.assert_array_equal(by_name["W2"], in_order["W2"])
    np.testing.assert_allclose(by_name["Scores"], Q @ K.T, rtol=1e-5)


def test_signature(kernel: attn_dsl.Kernel) -> None:
    assert kernel.inputs == {
        "Q": "f32[N, D]",
        "K": "f32[M, D]",
        "V": "f32[M, E]",
        "W_o": "f32[E, F] (weight)",
        "Mask": "f32 or bool[N, M] (optional)",
    }
    assert kernel.parameters == {"W_o": "f32[E, F]"}


def test_loaded_weights_need_not_be_given(kernel: attn_dsl.Kernel, tmp_path: Path) -> None:
    save_file({"W_o": W}, tmp_path / "w.safetensors")
    loaded = attn_dsl.compile(TEXT).load(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(loaded(Q, K, V)["W2"], kernel(Q, K, V, W)["W2"])


def test_a_path_and_its_text_compile_alike() -> None:
    path = Path(__file__).parents[2] / "examples" / "causal.attn"
    by_path, by_text = attn_dsl.compile(path), attn_dsl.compile(path.read_text())
    assert by_path.source == by_text.source


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda k: k(Q, K, V), ValueError, "input 'W_o' is missing"),
        (lambda k: k(Q, K, V, W, None, Q), TypeError, "6 arrays are given, and there are 5"),
        (lambda k: k(Q, K, V, W, Q=Q), TypeError, "input 'Q' is given twice"),
        (lambda k: k(Q, K, V, W, R=Q), TypeError, "there is no input 'R'"),
        (lambda k: k(Q.astype(np.float64), K, V, W), TypeError, "'Q' is float64, and has to be"),
        (lambda k: k(Q.tolist(), K, V, W), TypeError, "'Q' is float64, and has to be float32"),
        (lambda k: k(Q, K[:, :3], V, W), ValueError, "D is 3 here, 4 in 'Q'"),
        (lambda k: k(Q, K, V[0], W), ValueError, r"'V' is f32\[M, E\]: it needs 2 dims"),
        (lambda k: k(Q, K, V, W, Mask=np.ones((5, 7), bool)), ValueError, r"broadcast to \(5, 6\)"),
        (lambda k: k(Q, K, V, W, Mask=np.ones((5, 6), int)), TypeError, "float32 or bool"),
    ],
)
def test_bad_calls(kernel: attn_dsl.Kernel, call, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        call(kernel)


def test_bad_diagram_raises_with_all_its_errors() -> None:
    with pytest.raises(attn_dsl.DiagnosticError) as caught:
        attn_dsl.compile("flowchart TD\n  A --> B[MatMul]\n  C --> D[Add]\n")
    assert len(caught.value.diagnostics) == 2
