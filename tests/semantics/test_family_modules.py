"""Families in diagrams that others use: what the call brings is dealt out to the members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import attention, inputs, normal, operations, parameters
from members import ATTENTION, OPEN, QUERY, TOKENS, is_fused, members, wide

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import evaluate
from attn_dsl.pipeline import Compiled, analyse, read

B, D, E, T = 2, 8, 4, 5
HEADS = "q --> H{i}[Head {i} <br> Attention] --> C[Concatenate]\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with drawings to be used."""
    typed = 'x{i}(["x{i} : f32[T, D]"]) --> y{i}["Scale: 2"] --> O[Sum]\n'
    texts = {
        "tokens": QUERY + members(TOKENS + ATTENTION),
        "heads": "x([x]) --> q[Linear]\n" + members(HEADS),
        "typed": members(typed),
        "soft": "x([x]) --> s[Sum] --> w[Softmax] --> y[Tanh]",
        "lookup": "x([x])\nids([Ids]) --> e[Embedding]\nx & e --> y[Add]",
        "experts": members("x([x]) --> F{i}[Feed Forward]@{ hidden: 3 }\nF{i} --> M[Mean]"),
        "numbers": members('g{i}(["g{i} : f32[...]"]) --> W{i}[Softmax] --> w(Weights)'),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.attn").write_text(f"flowchart TD\n{text}", encoding="utf-8")
    return tmp_path


def using(files: Path, text: str, **settings: Any) -> Compiled:
    """The drawing `text` in the folder, where `NAME` as a label is the module NAME."""
    for name in ("tokens", "heads", "typed", "experts", "numbers", "soft", "lookup"):
        text = text.replace(f"[{name}]", f'["The {name}"]@{{ op: {name}.attn }}')
    (files / "main.attn").write_text(f"flowchart TD\n{text}", encoding="utf-8")
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return analyse(read(str(files / "main.attn")), named)


def test_keys_of_a_tensor_are_dealt_out(files: Path) -> None:
    """The rows of a matrix are the members, however many there are."""
    text = 'q(["q : f32[..., D]"]) -- Query --> A[tokens]\n'
    text += 'k(["k : f32[..., M, D]"]) -- Key --> A\nv(["v : f32[..., M, E]"]) -- Value --> A\n'
    found = using(files, text)
    assert is_fused(found)
    q, k, v = wide(normal(0, B, D), normal(1, B, 3, D), normal(2, B, 3, E))
    (result,) = evaluate(found.fused, {"q": q, "k": k, "v": v}).values()
    np.testing.assert_allclose(result, attention(q[:, None], k, v)[:, 0], atol=1e-12)


def test_a_family_is_handed_on(files: Path) -> None:
    """One by one outside, one by one inside."""
    text = 'q(["q : f32[..., D]"]) -- Query --> A[tokens]\n'
    text += members("K{i}(Key {i}) -- Key --> A\nV{i}(Value {i}) -- Value --> A")
    found = using(files, text)
    assert is_fused(found)
    assert inputs(found.drawn)["K"] == "f32[..., N, D]"


def test_a_query_that_is_no_vector(files: Path) -> None:
    text = 'q(["q : f32[..., L, D]"]) -- Query --> A[tokens]\n'
    text += 'k(["k : f32[..., M, D]"]) -- Key --> A\nv(["v : f32[..., M, E]"]) -- Value --> A\n'
    with pytest.raises(DiagnosticError) as caught:
        using(files, text)
    assert [d.code for d in caught.value.diagnostics if d.code[0] == "E"] == ["E053"]


def test_a_value_without_an_axis_for_the_members(files: Path) -> None:
    text = 'q(["q : f32[D]"]) -- Query --> A[tokens]\n'
    text += 'k(["k : f32[D]"]) -- Key --> A\nv(["v : f32[..., M, E]"]) -- Value --> A\n'
    with pytest.raises(DiagnosticError) as caught:
        using(files, text)
    assert {d.code for d in caught.value.diagnostics if d.code[0] == "E"} == {"E038"}


def test_as_many_members_as_are_drawn(files: Path) -> None:
    (files / "numbers.attn").write_text(
        "flowchart TD\n"
        + members("K{i}(Key {i}) --> W{i}[Softmax] --> w(Weights)", ("1", "2", "3"))
    )
    assert operations(using(files, 'a(["a : f32[..., 3, D]"]) --> A[numbers]\n').drawn) == [
        "softmax"
    ]
    for size in ("2", "N"):
        with pytest.raises(DiagnosticError, match="is a family of 3"):
            using(files, f'a(["a : f32[..., {size}, D]"]) --> A[numbers]\n')


def test_members_of_a_declared_type(files: Path) -> None:
    found = using(files, 'a(["a : f32[3, 4, 5]"]) --> A[typed]\n')
    a = normal(0, 3, 4, 5).astype(float)
    (result,) = evaluate(found.fused, {"a": a}).values()
    np.testing.assert_allclose(result, 2 * a.sum(axis=0))
    with pytest.raises(DiagnosticError, match="shapes do not fit"):
        using(files, 'a(["a : f32[4, 5]"]) --> A[typed]\n')


def test_numbers_of_members(files: Path) -> None:
    found = using(files, 'a(["a : f32[..., 3]"]) --> A[numbers]\n')
    a = normal(0, B, 3).astype(float)
    (result,) = evaluate(found.fused, {"a": a}).values()
    assert result.shape == (B, 3)
    np.testing.assert_allclose(result, np.exp(a) / np.exp(a).sum(-1, keepdims=True))


X = 'x(["x : f32[..., T, 8]"])\n'


@pytest.mark.parametrize(
    ("data", "settings"),
    [("heads: 4", {}), ("", {"heads": 4}), ("", {"A__H__N": 4}), ("", {"A__heads": 4})],
)
def test_heads_inside(files: Path, data: str, settings: dict[str, Any]) -> None:
    """Their count is a parameter of the module, or a setting at its path."""
    text = X + 'x --> A["mine"]@{ op: heads.attn, ' + data + " }\n"
    found = using(files, text.replace(", }", " }"), **settings)
    assert is_fused(found)
    assert inputs(found.drawn)["A.H.mask"] == "bool[..., 4, T, T]"
    assert list(parameters(found.drawn)) == ["A.q.weight", "A.q.bias"]


def test_a_softmax_of_single_numbers(files: Path) -> None:
    """Inside a module it would be of one member, and not run along the family."""
    with pytest.raises(DiagnosticError) as caught:
        using(files, members('x{i}(["x{i} : f32[..., D]"]) --> a{i}[soft] --> O[Sum]'))
    found = [d for d in caught.value.diagnostics if d.code[0] == "E"]
    assert [d.code for d in found] == ["E053"]
    assert "of one member" in found[0].label


def test_a_table_that_open_members_share(files: Path) -> None:
    text = members('x{i}(["x{i} : f32[..., T, d_model]"]) --> a{i}[lookup]\nids --> a{i}')
    text += 'ids(["ids : i64[T]"])\n'
    found = using(files, text)
    assert parameters(found.drawn)["a.e.weight"] == "f32[a_e_vocabulary, d_model]"
    text = text.replace("xN", "x3").replace("aN", "a3")
    with pytest.raises(DiagnosticError, match="has no rule"):
        using(files, text)


def test_families_in_copies(files: Path) -> None:
    """Each copy owns the parameters of its members."""
    text = X + 'subgraph Block["Block × 2"]\nx --> A[experts]\nend\nA --> y[ReLU]'
    found = using(files, text, F__N=3)
    assert parameters(found.drawn)["Block.1.A.F.up.weight"] == "f32[9, 8]"
    assert operations(found.drawn).count("mean") == 2


def test_members_that_use_a_module_with_families(files: Path) -> None:
    """A family in a family has no rule."""
    for name in ("heads", "experts"):
        text = members('x{i}(["x{i} : f32[..., T, 8]"]) --> ' + f"a{{i}}[{name}] --> O[Sum]", OPEN)
        with pytest.raises(DiagnosticError) as caught:
            using(files, text, heads=2)
        found = [d for d in caught.value.diagnostics if d.code[0] == "E"]
        assert [d.code for d in found] == ["E053"]
        assert "in a module that is drawn for each" in found[0].label
