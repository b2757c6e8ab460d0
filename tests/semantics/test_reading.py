"""How a box is read: metadata, forms of labels, words, labels of arrows, titles, in this order."""

from __future__ import annotations

import pytest
from drawn import body, codes, compiled, operations, remarked

A = 'A["A : f32[N, D]"]\n'
B = 'B["B : f32[N, D]"]\n'


def ops(text: str) -> list[str]:
    return operations(compiled(A + B + text).drawn)


def test_metadata_goes_before_the_label() -> None:
    assert ops("A --> S[Softmax]@{ op: tanh }") == ["tanh"]
    assert ops('A --> S["Scale: 2"]@{ op: relu }') == ["relu"]


def test_a_form_goes_before_words_on_arrows() -> None:
    assert ops('A -- Tanh --> S["Scale: 2"]') == ["tanh", "scale"]


def test_a_word_goes_before_words_on_arrows() -> None:
    """The arrow's operation then acts on that operand alone."""
    assert ops("A -- Tanh --> S[Add]\nB --> S") == ["tanh", "add"]


def test_a_word_on_arrows_is_one_operation_over_all_of_them() -> None:
    assert ops("A -- Multiply --> S\nB --> S") == ["multiply"]
    assert ops("A -- Multiply --> S\nB -- Multiply --> S") == ["multiply"]
    assert codes(f"{A}{B}A -- Multiply --> S\nB -- Add --> S") == ["E032"]


def test_a_word_on_arrows_goes_before_a_title() -> None:
    assert ops('subgraph X["via Softmax"]\nS\nend\nA -- Tanh --> S') == ["tanh"]


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Step 2: Compute Weights (via Softmax)", ["softmax"]),
        ("Softmax and Tanh", []),  # two operations
        ("Multi-Head Attention", []),  # a module
        ("Nothing known", []),
    ],
)
def test_a_title_names_one_primitive_operation(title: str, found: list[str]) -> None:
    assert ops(f'subgraph X["{title}"]\nS(Weights)\nend\nA --> S --> T[ReLU]') == [*found, "relu"]


def test_a_title_is_read_only_where_no_box_names_an_operation() -> None:
    text = 'subgraph X["Softmax"]\nS(Weights)\nT[Tanh]\nend\nA --> S --> T'
    assert ops(text) == ["tanh"]


def test_a_box_of_no_words_passes_its_value_on() -> None:
    assert ops("A --> x[Anything] --> y --> S[Softmax] --> Output") == ["softmax"]


def test_two_values_into_a_box_of_no_words() -> None:
    assert codes(f"{A}{B}A & B --> S[Anything]") == ["E032"]


def test_who_is_an_output() -> None:
    """What nobody uses, whatever it is called."""
    found = compiled(f"{A}A --> Output[Tanh] --> S[Softmax]\nA --> other[ReLU]")
    assert {label for label, _ in found.drawn.outputs} == {"S", "other"}


def test_what_has_no_arrow_is_left_out() -> None:
    found = compiled(f"{A}Legend\nA --> S[Softmax]")
    assert remarked(found) == ["W021"]
    assert operations(found.drawn) == ["softmax"]


@pytest.mark.parametrize("op", ["Add", "Multiply"])
def test_sums_and_products_of_several(op: str) -> None:
    mnemonic = op.lower()
    assert ops(f'C["C : f32[N, D]"] & A & B --> S[{op}]') == [mnemonic, mnemonic]


@pytest.mark.parametrize("op", ["Subtract", "Divide"])
def test_differences_and_quotients_are_of_two_in_order(op: str) -> None:
    plain, other = (compiled(f"{A}{B}{order} --> S[{op}]").drawn for order in ("A & B", "B & A"))
    assert body(plain) != body(other)
    assert codes(f"{A}{B}A & B & A --> S[{op}]") == ["E033"]


@pytest.mark.parametrize("label", ["Softmax 1", "Softmax <br> 2", "SoftMax N", "softmax_3"])
def test_a_last_index_is_decoration(label: str) -> None:
    assert ops(f'A --> S["{label}"]') == ["softmax"]


def test_damaged_letters_are_read_as_what_they_were() -> None:
    found = compiled(f'{A}A --> S["Scale by 1/âˆšD"]')
    assert "1 / sqrt(D)" in body(found.drawn)[0]
    assert remarked(found) == ["N021"]


@pytest.mark.parametrize(
    ("label", "found"),
    [
        *(
            (label, ["linear"])
            for label in ("Linear Q1", "Linear KN", "Projection V", "Dense keys")
        ),
        *((label, ["scale"]) for label in ("Scale 2 by 1/4", "Divide N by 2", "Scale 1: 1/4")),
        *((label, ["mask"]) for label in ("Mask 2: k < 3", "mask N: k < 3")),
        *(
            (label, [])
            for label in ("Transposed Keys", "Scaled Query", "Linear Algebra", "Score 1: 0.9")
        ),
    ],
)
def test_numbers_and_roles_in_labels(label: str, found: list[str]) -> None:
    """A Linear says what it is for; scales and masks are numbered. Other words stay words."""
    assert ops(f'A --> x["{label}"] --> S[Softmax]') == [*found, "softmax"]
