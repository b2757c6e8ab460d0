"""Keys of metadata: what mermaid knows is left alone, what nobody knows is remarked."""

from __future__ import annotations

import pytest
from drawn import QKV, body, codes, compiled, operations, parameters, problems, remarked

from attn_dsl.diagnostics import Diagnostic, Severity
from attn_dsl.ir import to_text
from attn_dsl.semantics.keys import KNOWN, MERMAID

X = 'x(["x : f32[N, E]"])\n'


def warnings(text: str, **settings: int) -> list[Diagnostic]:
    return [d for d in compiled(text, **settings).notes if d.severity is Severity.WARNING]


@pytest.mark.parametrize("key", sorted(MERMAID))
def test_what_mermaid_reads_is_not_ours(key: str) -> None:
    value = "rect" if key == "shape" else "Tanh" if key == "label" else "5"
    text = f"{X}x e1@--> y[Tanh]@{{ {key}: {value} }}\nsubgraph S\ny\nend\n"
    assert warnings(text) == []
    if key not in ("shape", "label"):
        assert warnings(f"{text}e1@{{ {key}: {value} }}\nS@{{ {key}: {value} }}\n") == []


@pytest.mark.parametrize(
    ("node", "key", "near"),
    [
        ("A[Multi-Head Attention]", "head", "heads"),
        ("A[Feed Forward]", "hiden", "hidden"),
        ("A[Linear]", "biass", "bias"),
        ("A[Softmax]", "axes", "axis"),
        ("A[Tanh]", "lable", "label"),
        ("A[Tanh]", "opp", "op"),
        ("A[Norm]", "eps", "epsilon"),
        ("A[Tanh]", "colour", ""),
        ("A", "note", ""),
    ],
)
def test_a_key_that_nobody_knows(node: str, key: str, near: str) -> None:
    settings = {"heads": 2} if "Attention" in node else {}
    (warning,) = warnings(f"{X}x --> {node}@{{ {key}: 2 }}\nA --> y[ReLU]", **settings)
    assert warning.code == "W024"
    assert f"knows the key `{key}`" in warning.message
    assert warning.help == (f"did you mean `{near}`?" if near else "")
    assert warning.span is not None
    assert warning.span.text == f"{key}: 2"


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ("A[MatMul]", "axis: -1"),
        ("A[Softmax]", "heads: 8"),
        ("A[Tanh]", "params: a.b"),
        ("A[Norm]", "bias: false"),
        ("A", "out: 3"),
        ("A[Tanh]", "repeat: 3"),
        ("A[Tanh]", "role: lhs"),
    ],
)
def test_a_key_that_means_nothing_here(node: str, key: str) -> None:
    label = node.removeprefix("A").strip("[]") or "A"
    arrows = "x & y --> A" if "MatMul" in node else "x --> A"
    text = f'{X}y(["y : f32[E, N]"])\n{arrows}\n{node}@{{ {key} }}\nA & y --> o[MatMul]\n'
    (warning,) = warnings(text)
    assert warning.code == "W024"
    assert f"says nothing to `{label}`" in warning.message


def test_keys_of_arrows_and_subgraphs() -> None:
    text = f"{X}x e1@--> y\nsubgraph S\ny[Tanh]\nend\ne1@{{ rol: lhs }}\nS@{{ repeats: 3 }}\n"
    assert [w.help for w in warnings(text)] == ["did you mean `role`?", "did you mean `repeat`?"]
    text = f"{X}x e1@-- Linear --> y[Tanh]\ne1@{{ out: 3, bias: false, axis: 2 }}\n"
    found = compiled(text)
    assert parameters(found.drawn) == {"y.x.weight": "f32[3, E]"}
    assert ["`axis` says nothing to an arrow" in w.message for w in warnings(text)] == [True]


def test_every_key_of_ours_is_known_somewhere() -> None:
    ours = {"op", "type", "axis", "heads", "params", "out", "bias", "epsilon"}
    assert ours | {"role", "repeat", "carry"} <= KNOWN
    assert KNOWN.isdisjoint(MERMAID)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("op: 5", "a word of the vocabulary"),
        ("op: [add]", "a word of the vocabulary"),
        ("op: true", "a word of the vocabulary"),
        ("op: null", "a word of the vocabulary"),
        ("type: 32", "text in quotes"),
        ("type: [N, E]", "text in quotes"),
        ("params: 3", "text in quotes"),
        ('params: "layer.{n}"', "`{n}` is none"),
        ('params: "layer.{}"', "`{}` is none"),
        ("bias: no thanks", "true or false"),
        ("bias: 0", "true or false"),
        ("out: [3]", "is no size"),
        ("out: wide + 1.5", "is no size"),
    ],
)
def test_values_of_a_wrong_kind(key: str, words: str) -> None:
    found = problems(f"{X}x --> A[Linear]@{{ {key} }}")
    (error,) = [error for error in found if error.code == "E045"]
    assert words in error.message
    assert error.span is not None
    assert error.span.text == key.strip()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("e1@{ role: 5 }", "it is text"),
        ("S@{ carry: [x -> y], repeat: 2 }", "it is text in quotes"),
        ("S@{ carry: 3, repeat: 2 }", "it is text in quotes"),
    ],
)
def test_wrong_kinds_elsewhere(data: str, words: str) -> None:
    found = problems(f"{X}x e1@--> y\nsubgraph S\ny[Tanh]\nend\n{data}\n")
    assert [words in error.message for error in found if error.code == "E045"] == [True]
    assert {error.code for error in found} <= {"E045", "E048"}


def test_a_box_that_is_broken_gets_no_remark() -> None:
    """Which keys it has depends on what it was to be."""
    assert codes(f"{X}x --> A@{{ op: sofmax, axs: -1 }}") == ["E031"]
    assert codes(f'{X}x --> A["a"]@{{ op: "./none.attn", wide: 4 }}') == ["E001"]


# ---- role


@pytest.mark.parametrize("role", ["lhs", "LHS"])
def test_the_role_of_an_arrow(role: str) -> None:
    text = f"{QKV}K e1@-- Transpose --> S\nQ e2@--> S[MatMul]\ne2@{{ role: {role} }}\n"
    assert body(compiled(text).drawn)[-1] == "%S = matmul(%Q, %K_T) : f32[B, N, M]"
    text = f"{QKV}Q --> S[MatMul]\nK e1@-- Transpose --> S\ne1@{{ role: {role} }}\n"
    assert codes(text) == ["E038"]


def test_a_role_says_what_a_label_would() -> None:
    said = f"{QKV}V e1@--> A[Attention]\nQ e2@--> A\nK --> A\n"
    data = "e1@{ role: Value }\ne2@{ role: query }\n"
    drawn = f"{QKV}V -- Value --> A[Attention]\nQ -- Query --> A\nK --> A\n"
    assert to_text(compiled(said + data).drawn) == to_text(compiled(drawn).drawn)
    both = f'{X}m(["m : f32[M, E]"])\nm e1@--> D[Decoder Block]\nx --> D\ne1@{{ role: memory }}\n'
    assert remarked(compiled(both, heads=2)) == []


def test_a_role_that_is_none() -> None:
    found = compiled(f"{X}x e1@--> y[Tanh]\ne1@{{ role: whatever }}\n")
    assert remarked(found) == ["W020"]
    assert operations(found.drawn) == ["tanh"]
