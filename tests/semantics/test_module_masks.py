"""Masks drawn into modules: which attention inside takes them, and what is absent stays absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import attention, inputs, normal

import attn_dsl
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.pipeline import Compiled, analyse, load, read

FILES = {
    "passes": 'x([x]) --> a[Attention]\npad["Mask (opt.)"] --> a\n',
    "around": 'x([x]) --> inner["Inner"]@{ op: "./passes.attn" }\n',
    "passes_around": 'x([x]) --> inner["Inner"]@{ op: "./passes.attn" }\n'
    'pad["Padding (opt.)"]@{ op: mask }\npad --> inner\n',
    "two": 'x([x]) --> a[Attention] --> b["Second <br> Attention"]@{ op: Attention }\n',
    "on_arrow": "q[Query] --> s[MatMul]\nk[Key] -- Transpose --> s\n"
    "s -- Optional Mask --> w[Softmax]\nw & k --> o[MatMul]\n",
    "causal": "x([x]) --> a[Attention]\nkeep([Mask]) --> a\n",
}
X = 'x(["x : f32[N, D]"])\nkeep(["keep : bool[N, N]"])\nbias(["bias : f32[N, N]"])\n'
N, D = 6, 4
KEEP, BIAS = np.tri(N, dtype=bool), normal(1, N, N)
Draw = Callable[[str], Compiled]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Read a drawing, without its header, beside the modules."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.attn").write_text(f"flowchart TD\n{text}", encoding="utf-8")

    def drawn(text: str) -> Compiled:
        path = tmp_path / "main.attn"
        path.write_text(f"flowchart TD\n{X}{text}\n", encoding="utf-8")
        return analyse(read(path))

    return drawn


def use(module: str, arrows: str) -> str:
    return f'x --> A["Use it"]@{{ op: "./{module}.attn" }}\n{arrows}'


def run(found: Compiled, **masks: Any) -> Any:
    return load(found, "numpy")(x=normal(0, N, D), **masks)


def attended(x: Any, keep: Any = True, bias: Any = 0) -> Any:
    """Self-attention in float64, with a mask and what is added to the scores."""
    x = x.astype(np.float64)
    scores = np.where(keep, x @ x.T / np.sqrt(D) + bias, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ x


ONCE = attended(normal(0, N, D), KEEP)
BIASED = attended(normal(0, N, D), bias=BIAS)


@pytest.mark.parametrize("module", ["passes", "around", "passes_around", "causal"])
def test_a_mask_reaches_the_attention_inside(draw: Draw, module: str) -> None:
    """A boolean one by its type, one that is added by its arrow's label."""
    found = draw(use(module, "keep --> A"))
    np.testing.assert_allclose(run(found, keep=KEEP), ONCE, atol=1e-6)
    assert list(inputs(found.drawn)) == ["x", "keep"]
    found = draw(use(module, "bias -- Mask --> A"))
    np.testing.assert_allclose(run(found, bias=BIAS), BIASED, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "name"),
    [("passes", "A.pad"), ("around", "A.inner.pad"), ("passes_around", "A.pad")],
)
def test_its_absence_is_passed_on(draw: Draw, module: str, name: str) -> None:
    """The input is called by its place, and by the outermost that declares it."""
    found = draw(use(module, ""))
    assert list(inputs(found.drawn)) == ["x", name]
    np.testing.assert_allclose(run(found), attended(normal(0, N, D)), atol=1e-6)
    np.testing.assert_allclose(run(found, **{name: KEEP}), ONCE, atol=1e-6)
    np.testing.assert_allclose(run(found, **{name: BIAS}), BIASED, atol=1e-6)


def test_an_optional_mask_of_the_drawing_is_passed_through(draw: Draw) -> None:
    found = draw(use("around", 'P["Padding Mask (opt.)"] --> A'))
    assert list(inputs(found.drawn)) == ["x", "P"]
    np.testing.assert_allclose(run(found), attended(normal(0, N, D)), atol=1e-6)
    np.testing.assert_allclose(run(found, P=KEEP), ONCE, atol=1e-6)
    np.testing.assert_allclose(run(found, P=BIAS), BIASED, atol=1e-6)


def test_one_mask_for_two_calls(draw: Draw) -> None:
    """One box is one input, whoever takes it."""
    text = 'P["Mask (opt.)"] --> A[Attention] --> B[Attention]\nx --> A\nP --> B'
    found = draw(text)
    assert list(inputs(found.drawn)) == ["x", "P"]
    expected = attended(ONCE, KEEP)
    np.testing.assert_allclose(run(found, P=KEEP), expected, atol=1e-6)


def test_several_masks_hold_together(draw: Draw) -> None:
    found = draw("x --> A[Attention]\nkeep --> A\nbias -- Mask --> A")
    expected = attended(normal(0, N, D), KEEP, BIAS)
    np.testing.assert_allclose(run(found, keep=KEEP, bias=BIAS), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("label", "first"),
    [
        ("a.mask", True),
        ("a mask", True),
        ("A", True),
        ("b.mask", False),
        ("b", False),
        ("Second Attention", False),
        ("Second Attention Mask", False),
    ],
)
def test_the_arrow_names_the_attention(draw: Draw, label: str, first: bool) -> None:
    found = draw(use("two", f'keep -- "{label}" --> A'))
    keep = KEEP if first else True, True if first else KEEP
    expected = attended(attended(normal(0, N, D), keep[0]), keep[1])
    np.testing.assert_allclose(run(found, keep=KEEP), expected, atol=1e-6)
    assert list(inputs(found.drawn)) == ["x", "keep", "A.b.mask" if first else "A.a.mask"]


def test_a_float_is_a_mask_if_its_arrow_says_so(draw: Draw) -> None:
    """`a.mask` says so, and `a` does not."""
    found = draw(use("two", "bias -- a.mask --> A"))
    expected = attended(BIASED)
    np.testing.assert_allclose(run(found, bias=BIAS), expected, atol=1e-6)
    with pytest.raises(DiagnosticError, match="2 values flow in"):
        draw(use("two", "bias -- a --> A"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (use("two", "keep --> A"), "`a.mask`, `b.mask`"),
        (use("two", "keep -- Mask --> A"), "several places in `Use it`"),
        ("x --> F[Feed Forward]\nkeep --> F", "nothing in `Feed Forward` takes a mask"),
        (use("passes", "keep --> A\nbias -- Mask --> A"), "to the one input `pad`"),
    ],
)
def test_a_mask_without_a_place(draw: Draw, text: str, words: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        draw(text)
    (error,) = [d for d in caught.value.diagnostics if d.code.startswith("E")]
    assert (error.code, words in error.message) == ("E056", True)


def test_a_named_attention_goes_beside_the_module_s_own_mask(draw: Draw) -> None:
    found = draw(use("passes", "keep --> A\nbias -- a.mask --> A"))
    expected = attended(normal(0, N, D), KEEP, BIAS)
    np.testing.assert_allclose(run(found, keep=KEEP, bias=BIAS), expected, atol=1e-6)


def test_an_optional_mask_on_an_arrow_inside(draw: Draw) -> None:
    found = draw('x --> A["Use it"]@{ op: "./on_arrow.attn" }\nkeep -- Mask --> A')
    x = normal(0, N, D)
    np.testing.assert_allclose(run(found, keep=KEEP), attention(x, x, x, keep=KEEP), atol=1e-6)


def test_an_arrow_into_a_module_can_call_its_mask_optional(draw: Draw) -> None:
    found = draw("x --> A[Attention]\nP[Mask] -- Optional Mask --> A")
    np.testing.assert_allclose(run(found), attended(normal(0, N, D)), atol=1e-6)
    np.testing.assert_allclose(run(found, P=KEEP), ONCE, atol=1e-6)


def test_heads_share_a_mask(draw: Draw) -> None:
    heads = "".join(f'x --> Head{i}["Head {i} <br> Attention"] --> C[Concatenate]\n' for i in "12")
    found = draw(f'{heads}P["Mask (opt.)"] --> Head1 & Head2')
    x = normal(0, N, D).astype(np.float64)
    halves = [attention(h, h, h, 1 / np.sqrt(D / 2), KEEP) for h in np.split(x, 2, axis=-1)]
    np.testing.assert_allclose(run(found, P=KEEP), np.concatenate(halves, axis=-1), atol=1e-6)


def test_copies_of_a_block_share_its_mask(draw: Draw) -> None:
    text = 'P["Mask (opt.)"]\nsubgraph B["Block × 3"]\nx & P --> A[Attention]\nend'
    found = draw(text)
    assert list(inputs(found.drawn)) == ["x", "P"]
    expected = normal(0, N, D)
    for _ in range(3):
        expected = attended(expected, KEEP)
    np.testing.assert_allclose(run(found, P=KEEP), expected, atol=1e-6)


def test_a_library_block_takes_one_in_its_only_attention() -> None:
    text = 'flowchart TD\nx(["x : f32[N, E]"]) & Mask --> B[Encoder Block]@{ heads: 2 }\n'
    found = attn_dsl.compile(text)
    assert list(found.inputs)[:2] == ["x", "Mask"]
    assert "Mask_keep" in found.explain()


IDS = np.array([0, 0, 1, 1, 1, 2])
BOXES = {
    'm["Mask: k <= q"]': np.tri(N, dtype=bool),
    "m[Causal Mask]": np.tri(N, dtype=bool),
    'm["Mask: k < N - 2"]': np.arange(N)[None] < N - 2,
    'ids(["ids : i64[N]"]) --> m["Mask: ids[q] == ids[k]"]': IDS[:, None] == IDS,
    'ids(["ids : i64[N]"]) --> m["Mask: ids[q] == ids[k]"] --> n[By segment]': IDS[:, None] == IDS,
}


@pytest.mark.parametrize("module", ["passes", "around", "passes_around", "causal"])
@pytest.mark.parametrize("box", BOXES)
def test_a_mask_that_says_what_it_keeps_goes_to_the_attention_inside(
    draw: Draw, box: str, module: str
) -> None:
    """Its sizes and tensors are those of the drawing in which it stands."""
    last = "n" if "n[" in box else "m"
    found = draw(
        use(
            module, f"{box}\n{last} -- Mask --> A" if module == "around" else f"{box}\n{last} --> A"
        )
    )
    given = {"ids": IDS} if "ids" in box else {}
    np.testing.assert_allclose(
        run(found, **given), attended(normal(0, N, D), BOXES[box]), rtol=1e-5
    )
    assert "keep" not in inputs(found.drawn)


def test_one_mask_of_an_expression_serves_two_modules(draw: Draw) -> None:
    found = draw('x --> a[Attention] --> b[Attention]\nm["Mask: k <= q"] --> a & b')
    once = attended(normal(0, N, D), np.tri(N, dtype=bool))
    np.testing.assert_allclose(run(found), attended(once, np.tri(N, dtype=bool)), rtol=1e-5)


def test_sizes_of_a_mask_are_those_where_it_stands(draw: Draw, tmp_path: Path) -> None:
    """Not those of the module, which has an `N` of its own."""
    module = "---\nattn: {parameters: {N: 1}}\n---\nflowchart TD\nx([x]) --> a[Attention]\n"
    text = module + 'pad["Mask (opt.)"] --> a\n'
    (tmp_path / "own_n.attn").write_text(text, encoding="utf-8")
    found = draw(use("own_n", 'm["Mask: k < N - 2"] --> A'))
    keep = np.arange(N)[None] < N - 2
    np.testing.assert_allclose(run(found), attended(normal(0, N, D), keep), rtol=1e-5)
