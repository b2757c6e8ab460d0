"""Counts and sizes of modules: what metadata, settings and defaults say, and which goes first."""

from __future__ import annotations

import pytest
from drawn import codes, compiled, inputs, parameters, problems

X = 'x(["x : f32[..., N, E]"])\n'
BLOCK = f"{X}x --> B[Encoder Block]\n"


def heads(text: str, **settings: int) -> str:
    """How many heads the attention in block B has, from the type of its mask."""
    return inputs(compiled(text, **settings).drawn)["B.attention.mask"].split(", ")[1]


@pytest.mark.parametrize(
    ("data", "settings", "expected"),
    [
        ("heads: 2", {}, 2),
        ("", {"heads": 3}, 3),
        ("", {"B__heads": 4}, 4),
        ("", {"B__attention__heads": 5}, 5),
        ("", {"attention__heads": 6}, 6),
        ("heads: 2", {"B__heads": 4}, 4),
        ("heads: 2", {"B__attention__heads": 5}, 5),
        ("", {"heads": 3, "B__heads": 4}, 4),
        ("", {"heads": 3, "B__attention__heads": 5}, 5),
        ("", {"B__heads": 4, "B__attention__heads": 5}, 5),
    ],
)
def test_heads(data: str, settings: dict[str, int], expected: int) -> None:
    """A setting with a path, then the drawing, then a setting for all."""
    text = f"{BLOCK}B@{{ {data} }}\n" if data else BLOCK
    assert heads(text, **settings) == str(expected)


@pytest.mark.parametrize(
    ("data", "settings", "expected"),
    [
        ("", {}, "4*E"),
        ("hidden: 9", {}, "9"),
        ('hidden: "2*d_model + 1"', {}, "2*E + 1"),
        ("", {"hidden": 7}, "7"),
        ("", {"B__ffn__hidden": 6}, "6"),
        ("hidden: 9", {"B__hidden": 5}, "5"),
    ],
)
def test_what_a_block_says_holds_for_the_modules_in_it(
    data: str, settings: dict[str, int], expected: str
) -> None:
    text = f"{BLOCK}B@{{ {data} }}\n" if data else BLOCK
    found = parameters(compiled(text, heads=1, **settings).drawn)
    assert found["B.ffn.up.bias"] == f"f32[{expected}]"


def test_each_node_has_its_own() -> None:
    text = f"{X}x --> A[FFN]@{{ hidden: 3 }}\nA --> B[FFN]"
    found = parameters(compiled(text, B__hidden=5).drawn)
    assert (found["A.up.bias"], found["B.up.bias"]) == ("f32[3]", "f32[5]")


@pytest.mark.parametrize("value", ["0", "-2", "true", "2.5"])
def test_heads_that_are_no_number(value: str) -> None:
    (error,) = problems(f"{X}x --> B[MHA]@{{ heads: {value} }}")
    assert error.code == "E045"
    assert error.span is not None
    assert error.span.text == f"heads: {value}"


def test_heads_stay_no_symbol() -> None:
    """A head axis is written into the program; its number has to be known."""
    (error,) = problems(f"{X}x --> B[MHA]@{{ heads: h }}")
    assert (error.code, "not 'h'" in error.message) == ("E051", True)


def test_without_a_number_of_heads() -> None:
    (error,) = problems(BLOCK)
    assert error.code == "E051"
    assert error.span is not None
    assert error.span.text == "B[Encoder Block]"


@pytest.mark.parametrize(
    ("data", "weight", "bias"),
    [
        ("", "f32[E, E]", True),
        ("@{ out: 3 }", "f32[3, E]", True),
        ('@{ out: "2*in" }', "f32[2*E, E]", True),
        ('@{ out: "E // 2" }', "f32[E // 2, E]", True),
        ("@{ out: F }", "f32[F, E]", True),
        ("@{ bias: false }", "f32[E, E]", False),
    ],
)
def test_linear(data: str, weight: str, bias: bool) -> None:
    found = parameters(compiled(f"{X}x --> L[Linear]{data}").drawn)
    assert found["L.weight"] == weight
    assert ("L.bias" in found) is bias


@pytest.mark.parametrize("out", ["0", "-1", '"q <= k"', "1.5"])
def test_a_width_that_is_no_size(out: str) -> None:
    assert codes(f"{X}x --> L[Linear]@{{ out: {out} }}") == ["E045"]


@pytest.mark.parametrize("name", ["head", "B.head", "A.heads", "N.heads", "heads.B"])
def test_a_setting_that_nothing_asks_for(name: str) -> None:
    assert codes(BLOCK, **{"heads": 2, name.replace(".", "__"): 4}) == ["E054"]


def test_a_layer_on_an_arrow_is_called_by_both_ends() -> None:
    """And takes nothing from the metadata of the node that it flows into."""
    text = f"{X}x -- Linear --> S[Add]@{{ out: 3 }}\nx --> t[Tanh] -- Linear --> S"
    found = parameters(compiled(text).drawn)
    assert list(found)[::2] == ["S.x.weight", "S.t.weight"]
    assert found["S.x.weight"] == "f32[E, E]"


def test_two_layers_of_one_name() -> None:
    assert codes(f"{X}x -- Linear --> S[Add]\nx -- Linear --> S") == ["E044", "E044"]


@pytest.mark.parametrize("layer", ["Linear", "Norm"])
def test_a_layer_on_a_single_number(layer: str) -> None:
    assert codes(f'x(["x : f32"]) --> y[{layer}]') == ["E038"]


@pytest.mark.parametrize(("epsilon", "found"), [("0", []), ("0.5", []), ("-1", ["E045"])])
def test_epsilon(epsilon: str, found: list[str]) -> None:
    assert codes(f"{X}x --> y[Norm]@{{ epsilon: {epsilon} }}") == found
    assert codes(f"{X}x --> y[Norm]@{{ epsilon: small }}") == ["E045"]
