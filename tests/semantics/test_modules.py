"""Nodes that stand for a whole drawing: which argument goes where, and the library's own."""

from __future__ import annotations

import pytest
from drawn import QKV, codes, compiled, inputs, operations, parameters, problems, remarked

from attn_dsl.ir import to_text
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.library import WORDS

A = f"{QKV}A[Attention]\n"
X = 'x(["x : f32[..., N, E]"])\n'


def operands(text: str) -> tuple[str, str, str]:
    """What the one attention in a drawing takes as query, key and value."""
    (op,) = [s.op for s in compiled(text).fused.statements if isinstance(s.op, TiledAttention)]
    return op.query, op.key, op.value


@pytest.mark.parametrize(
    "arrows",
    [
        "Q & K & V --> A",
        "V -- Value --> A\nK -- Key --> A\nQ -- Query --> A",
        "V -- Values --> A\nQ & K --> A",
        "K -- Keys --> A\nQ & V --> A",
        "Q -- query --> A\nV -- value vector --> A\nK --> A",
    ],
)
def test_three_arguments(arrows: str) -> None:
    assert operands(A + arrows) == ("Q", "K", "V")


@pytest.mark.parametrize(
    "label", ["Key & Value", "Keys & Values", "Key, Value", "Value and Key", "K & V", "K, V"]
)
def test_one_arrow_brings_key_and_value(label: str) -> None:
    assert operands(f'{A}K -- "{label}" --> A\nQ -- Query --> A') == ("Q", "K", "K")
    assert operands(f'{A}Q --> A\nK -- "{label}" --> A') == ("Q", "K", "K")


def test_one_argument_is_all_three() -> None:
    assert operands(f"{X}x --> A[Self-Attention]") == ("x", "x", "x")


@pytest.mark.parametrize("arrows", ["Q & K --> A", "Q & K & V & Q --> A", "Q & Q & Q & Q --> A"])
def test_wrong_number_of_arguments(arrows: str) -> None:
    (error,) = problems(A + arrows)
    assert error.code == "E033"
    assert "takes query, key, value" in error.message
    assert error.span is not None
    assert error.span.text == "A[Attention]"


@pytest.mark.parametrize(
    "arrows",
    [
        "Q & K -- Query --> A\nV --> A",
        'K -- "Key & Value" --> A\nV -- Value --> A\nQ --> A',
        "Q -- Query --> A\nK -- Key --> A\nV -- Value --> A\nQ --> A",
    ],
)
def test_no_argument_is_dropped(arrows: str) -> None:
    assert codes(A + arrows) == ["E033"]


def test_an_arrow_is_labelled_with_an_input_s_name() -> None:
    decoder = f'{X}m(["m : f32[..., M, E]"])\nm -- Memory --> D[Decoder Block]\nx --> D'
    found = compiled(decoder, heads=2)
    assert inputs(found.drawn)["D.cross_attention.mask"] == "bool[..., 2, N, M]"
    assert remarked(found) == []


def test_a_label_that_is_no_input_is_remarked() -> None:
    found = compiled(f"{A}Q -- Quarry --> A\nK & V --> A")
    assert remarked(found) == ["W020"]
    assert [d.span.text for d in found.notes if d.span] == ["Quarry"]


@pytest.mark.parametrize("word", ["Encoder Block", "encoder-layer", "Transformer Encoder Layer"])
def test_words_and_metadata_name_the_same_module(word: str) -> None:
    plain = compiled(f"{X}x --> B[{word}]", heads=2)
    said = compiled(f'{X}x --> B[Anything]@{{ op: "{word}" }}', heads=2)
    assert to_text(plain.drawn) == to_text(said.drawn)


@pytest.mark.parametrize("name", [name for name in WORDS if name != "decoder_block"])
def test_every_module_elaborates_alone(name: str) -> None:
    """On one argument for all, and names its parameters by its own path."""
    arrows = "x & x --> B" if name == "add_norm" else "x --> B"
    found = compiled(f'{X}{arrows}\nB["It"]@{{ op: "{name}", heads: 2 }}')
    assert found.drawn.types[found.drawn.outputs[0][1]] == found.drawn.types["x"]
    assert all(path.startswith("B.") for path in parameters(found.drawn))
    assert all(remark.fused for remark in found.remarks)


@pytest.mark.parametrize("name", WORDS)
def test_every_word_of_a_module_names_it(name: str) -> None:
    for word in WORDS[name]:
        arrows = {"add_norm": "x & x --> B", "decoder_block": "x & x --> B"}.get(name, "x --> B")
        found = compiled(f'{X}{arrows}\nB["{word}"]', heads=2)
        assert len(operations(found.drawn)) > 1


def test_the_scale_is_that_of_a_head_whatever_sizes_are_called() -> None:
    """A size `d` of the drawing is no head dim inside the module."""
    found = compiled('x(["x : f32[N, d]"]) --> A[MHA]@{ heads: 4 }')
    (attention,) = [s for s in found.fused.statements if s.op.mnemonic == "tiled_attention"]
    assert 'scale="1 / sqrt(d // 4)"' in to_text(found.fused)
    assert str(attention.type) == "f32[4, N, d // 4]"


def test_errors_inside_show_where_it_is_called() -> None:
    found = problems('x(["x : f32[N, 10]"]) --> A[MHA]@{ heads: 4 }')
    assert {error.code for error in found} == {"E038"}
    for error in found:
        assert error.notes[-1].label == "called here"
        assert error.notes[-1].span.text.startswith("A[MHA]")
