"""Sinks: a learned logit in the softmax's sum, that takes weight and belongs to no key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import body, codes, compiled, inputs, normal, problems

from attn_dsl.ir import evaluate
from attn_dsl.pipeline import load

HEADS = "B, H, "
DRAWING = """
Q(["Q : f32[{batch}N, D]"]) --> S[MatMul]
K(["K : f32[{batch}M, D]"]) -- Transpose --> S
S --> m["Mask: k < q"] --> P[Softmax]
{sink}
P & V(["V : f32[{batch}M, E]"]) --> O[MatMul]
"""


def drawing(sink: str, batch: str = HEADS) -> str:
    return DRAWING.format(sink=sink, batch=batch)


def softmax_of(text: str) -> str:
    """The line of the graph with the softmax."""
    (line,) = [x for x in body(compiled(text).drawn) if " softmax(" in x]
    return line.split(" : ")[0]


FORMS = {
    "by its name": 'sinks(["sinks : f32[H]"]) --> P',
    "by its arrow": 'bias(["bias : f32[H]"]) -- Sink --> P',
    "by its words": 't["Attention Sinks"] --> P\nt@{ type: "f32[H]" }',
    "without a type": "sinks --> P",
    "by an expression": 'x(["x : f32[H]"]) --> P\nP@{ sink: "x[h]" }',
    "through a box": 'x(["x : f32[H]"]) --> pass[Learned Sinks] -- Sinks --> P',
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    found = compiled(drawing(FORMS[form]))
    (name,) = set(inputs(found.drawn)) - set("QKV")
    assert inputs(found.drawn)[name] == "f32[H]"
    assert f'{{sink="{name}[h]"}}' in softmax_of(drawing(FORMS[form]))
    assert [remark.fused for remark in found.remarks] == [True]


@pytest.mark.parametrize(
    ("dims", "index"),
    [
        ("[]", "sinks"),
        ("[N]", "sinks[q]"),
        ("[H, N]", "sinks[h, q]"),
        ("[B, H]", "sinks[b, h]"),
        ("[N, B]", "sinks[q, b]"),
        ("[1, H, 1, 1]", "sinks[0, h, 0, 0]"),
        ("[B, H, N, 1]", "sinks[b, h, q, 0]"),
    ],
)
def test_dims_are_found_by_their_symbols(dims: str, index: str) -> None:
    assert f'sink="{index}"' in softmax_of(drawing(f'sinks(["sinks : f32{dims}"]) --> P'))


@pytest.mark.parametrize("dims", ["[M]", "[X]", "[H, M]", "[..., H]"])
def test_dims_that_are_no_rows(dims: str) -> None:
    """A sink never depends on the key."""
    assert codes(drawing(f'sinks(["sinks : f32{dims}"]) --> P')) == ["E038"]


def test_dims_that_may_be_two() -> None:
    (error,) = problems(drawing('sinks(["sinks : f32[N]"]) --> P', batch="N, "))
    assert error.code == "E038"
    assert "`@{ sink:" in error.help


def test_a_number_needs_no_arrow() -> None:
    """Softmax off by one: exp(s) / (1 + sum of exp(s))."""
    found = compiled(drawing("P@{ sink: 0 }"), D=4, E=3)
    given = {name: normal(i, 2, 3, 5, 4) for i, name in enumerate("QK")}
    given["V"] = normal(2, 2, 3, 5, 3)
    scores = given["Q"].astype(np.float64) @ np.swapaxes(given["K"], -1, -2).astype(np.float64)
    weights = np.where(np.tri(5, k=-1, dtype=bool), np.exp(scores), 0)
    expected = weights / (1 + weights.sum(-1, keepdims=True)) @ given["V"]
    for target in ("numpy", "cuda"):
        kernel = load(found, target, emulate=target == "cuda")
        np.testing.assert_allclose(kernel(**given), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("sink", "expected"),
    [
        ('P@{ sink: "k" }', ["E038"]),
        ('P@{ sink: "s" }', ["E038"]),
        ('P@{ sink: "q < 3" }', ["E038"]),
        ('P@{ sink: "1 +" }', ["E036"]),
        ('P@{ sink: "t[h]" }', ["E037"]),
        ('t(["t : f32[H]"]) --> P\nP@{ sink: "t" }', ["E038"]),
        ('t(["t : f32[H]"]) --> P\nP@{ sink: "u[h]" }', ["E037"]),
        ('t(["t : f32[H]"]) --> P', ["E033"]),
        ('t(["t : f32[H]"]) & u(["u : f32[H]"]) -- Sink --> P', ["E033"]),
        ("P@{ sink: 0, axis: -2 }", ["E038"]),
    ],
)
def test_errors(sink: str, expected: list[str]) -> None:
    assert codes(drawing(sink)) == expected


def test_an_undeclared_sink_of_unknown_heads() -> None:
    assert codes(drawing("sinks --> P", batch="..., ")) == ["E039"]


def test_not_fused_it_means_the_same() -> None:
    found = compiled(drawing('sinks(["sinks : f32[H]"]) --> P\nP --> Weights'))
    given: dict[str, Any] = {n: normal(i, 2, 3, 5, 4) for i, n in enumerate("QKV")}
    given["sinks"] = normal(3, 3)
    reference = evaluate(found.drawn, given)
    assert (reference["Weights"].sum(-1) < 1).all()
    result = load(found, "numpy")(**given)
    for name, value in reference.items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)
