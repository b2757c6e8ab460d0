"""Repeated subgraphs: how often, what goes from copy to copy, and what every copy shares."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import body, codes, compiled, inputs, normal, operations, parameters, problems, remarked
from hypothesis import given
from hypothesis import strategies as st
from support import examples

import attn_dsl

X = 'x(["x : f32[..., N, E]"])\n'
BODY = "x --> up[Linear] --> act[Tanh]\nx & act --> sum[Add]"


def block(
    data: str = "", title: str = "Stack", inside: str = BODY, after: str = "sum --> o[ReLU]"
) -> str:
    """A subgraph B after the input x, with metadata, then what uses it."""
    said = f"B@{{ {data} }}\n" if data else ""
    return f'{X}subgraph B["{title}"]\n{inside}\nend\n{said}{after}\n'


def copies(text: str, **settings: int) -> int:
    return operations(compiled(text, **settings).drawn).count("linear")


@pytest.mark.parametrize("count", [1, 2, 7])
def test_repeat_is_as_if_written_out(count: int) -> None:
    """Three layers with the same weights give the same numbers as the loop in NumPy."""
    kernel = attn_dsl.compile("flowchart TD\n" + block(f"repeat: {count}"))
    assert list(kernel.parameters)[::2] == [f"B.{i}.up.weight" for i in range(count)]
    weights = {
        name: normal(i, 4, 4) if name.endswith("weight") else normal(i, 4)
        for i, name in enumerate(kernel.parameters)
    }
    x = expected = normal(99, 3, 4)
    for i in range(count):
        up = expected @ weights[f"B.{i}.up.weight"].T + weights[f"B.{i}.up.bias"]
        expected = expected + np.tanh(up)
    found = kernel.load(weights)(x)
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-4, atol=1e-4)


def test_each_copy_has_its_own_parameters_and_nothing_else_is_copied() -> None:
    found = compiled(block("repeat: 3"))
    assert list(parameters(found.drawn))[::2] == [f"B.{i}.up.weight" for i in range(3)]
    assert operations(found.drawn) == ["linear", "tanh", "add"] * 3 + ["relu"]
    assert remarked(found) == []


@pytest.mark.parametrize(
    ("title", "settings", "count"),
    [
        ("Encoder Block (repeated N times)", {"N": 3}, 3),
        ("Repeated 4 times", {}, 4),
        ("repeated L times", {"L": 2}, 2),
        ("Encoder block × 6", {}, 6),
        ("Encoder block x 6", {}, 6),
        ("Encoder block x6", {}, 6),
        ("Encoder block (×6)", {}, 6),
        ("Encoder block (6x)", {}, 6),
        ("Encoder block 6×", {}, 6),
        ("N×", {"N": 5}, 5),
        ("Nx", {"B.N": 5}, 5),
        ("3x3 filter", {}, 1),
        ("filter 3x3", {}, 1),
        ("filter 3 × 3", {}, 1),
        ("Matrix", {}, 1),
        ("Block 6", {}, 1),
        ("What is repeated", {}, 1),
    ],
)
def test_titles(title: str, settings: dict[str, int], count: int) -> None:
    text = block(title=title).replace("N, E", "T, E")
    assert copies(text, **settings) == count


@pytest.mark.parametrize("settings", [{"L": 4}, {"B__L": 4}, {"B__L": 4, "L": 9}])
def test_a_count_by_name(settings: dict[str, int]) -> None:
    assert copies(block("repeat: L"), **settings) == 4


def test_metadata_goes_before_the_title() -> None:
    assert copies(block("repeat: 2", title="Block × 5")) == 2


@pytest.mark.parametrize(
    "count", ["1000000000", "3001", "0", "-1", "1.5", "true", "[2]", "2*L", "99999999999999999999"]
)
def test_counts_that_are_none(count: str) -> None:
    (error,) = problems(block(f'repeat: "{count}"' if "*" in count else f"repeat: {count}"))
    assert error.code == "E047"
    assert "repeated 1 to 3000 times" in error.message
    assert error.span is not None
    assert error.span.text.startswith("repeat: ")


def test_a_count_that_is_not_given() -> None:
    (error,) = problems(block("repeat: many"))
    assert error.code == "E047"
    assert "`--set many=6`, or `--set B.many=6`" in error.help


def test_a_count_given_too_large() -> None:
    assert codes(block("repeat: L"), L=10**9) == ["E047"]


def test_counts_that_multiply_to_too_many() -> None:
    (error,) = problems(X + NESTED.replace("× 2", "× 500").replace("× 3", "× 500"))
    assert (error.code, "more than 3000 copies" in error.message) == ("E047", True)


def test_a_value_that_enters_every_copy_unchanged() -> None:
    text = f'c(["c : f32[E]"])\n{block("repeat: 3", "S", "x & c --> sum[Add]")}'
    found = compiled(text)
    assert body(found.drawn) == [
        "%B_0_sum = add(%x, %c) : f32[..., N, E]",
        "%B_1_sum = add(%B_0_sum, %c) : f32[..., N, E]",
        "%B_2_sum = add(%B_1_sum, %c) : f32[..., N, E]",
        "%o = relu(%B_2_sum) : f32[..., N, E]",
    ]


TWO = "x --> a[Tanh]\nx --> z[ReLU]"


@pytest.mark.parametrize(("said", "carried"), [("x -> a", "a"), ("x->z", "z")])
def test_carry_that_is_said(said: str, carried: str) -> None:
    text = block(f'repeat: 2, carry: "{said}"', "S", TWO, "a & z --> o[Add]")
    table = compiled(text).drawn.table
    assert table["B_1_a"].op.operands == table["B_1_z"].op.operands == (f"B_0_{carried}",)


def test_carry_that_is_not_clear() -> None:
    (error,) = problems(block("repeat: 2", "S", TWO, "a & z --> o[Add]"))
    assert error.code == "E048"
    assert "x -> a, x -> z" in error.message
    assert 'B@{ carry: "x -> a" }' in error.help


def test_two_inputs_of_one_type_are_not_guessed() -> None:
    text = f'y(["y : f32[..., N, E]"])\n{block("repeat: 2", "S", "x & y --> sum[Add]")}'
    assert codes(text) == ["E048"]
    assert copies(text.replace("repeat: 2", 'repeat: 2, carry: "y -> sum"')) == 0


def test_nothing_to_carry() -> None:
    text = block("repeat: 2", "S", "x --> sum[Linear]@{ out: 3 }")
    (error,) = problems(text)
    assert (error.code, "no value that leaves" in error.message) == ("E048", True)
    assert codes(text.replace("repeat: 2", "repeat: 1")) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("y -> sum", "no value `y` enters"),
        ("x -> o", "no node `o` in this subgraph"),
        ("x", "no node `` in this subgraph"),
        ("up -> sum", "no value `up` enters"),
        ("x -> wide", "`wide` f32[..., N, 3]"),
    ],
)
def test_carry_that_cannot_be(said: str, words: str) -> None:
    text = block(f'repeat: 2, carry: "{said}"', inside=f"{BODY}\nsum --> wide[Linear]@{{ out: 3 }}")
    (error,) = problems(text)
    assert (error.code, words in error.message) == ("E048", True)
    assert error.span is not None
    assert error.span.text == f'carry: "{said}"'


def test_copies_share_an_optional_mask() -> None:
    attend = "x --> a[Attention]\nx & a --> sum[Add]"
    found = compiled(block("repeat: 4", inside=attend))
    assert list(inputs(found.drawn)) == ["x", "B.a.mask"]
    assert operations(found.fused).count("tiled_attention") == 4


def test_arrows_that_leave_and_come_back() -> None:
    text = block(
        "repeat: 2", inside="x --> a[Tanh]\nb2[ReLU]", after="a --> m[Tanh] --> b2 --> o[Tanh]"
    )
    (error,) = problems(text)
    assert (error.code, "come back into it" in error.message) == ("E034", True)


NESTED = """subgraph A["Stage × 2"]
subgraph B["Layer × 3"]
x --> l[Linear]
end
l --> t[Tanh]
end
t --> o[ReLU]
"""


def test_nested_repetitions() -> None:
    found = compiled(X + NESTED)
    assert list(parameters(found.drawn))[::2] == [
        f"A.{i}.B.{j}.l.weight" for i in range(2) for j in range(3)
    ]
    assert operations(found.drawn) == (["linear"] * 3 + ["tanh"]) * 2 + ["relu"]
    table = found.drawn.table
    assert table["A_1_B_0_l"].op.operands[0] == "A_0_t"
    assert table["A_1_t"].op.operands == ("A_1_B_2_l",)


@given(st.integers(1, 4), st.integers(1, 4))
@examples(8)
def test_nested_counts_multiply(outer: int, inner: int) -> None:
    text = X + NESTED.replace("Layer × 3", f"{inner}x").replace("Stage × 2", f"{outer}x")
    assert copies(text) == outer * inner
