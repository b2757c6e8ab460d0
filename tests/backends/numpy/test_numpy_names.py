"""The diagram's names in the emitted module, whatever they are."""

from __future__ import annotations

import re

import pytest
from modules import case, compare_drawn, emit

from attn_dsl.ir import Graph, Sizes, from_text, to_text

SIZES = Sizes({"B": 2, "H": 3, "N": 5, "M": 6, "D": 4, "E": 3})
VALUES = ("scores", "np", "rows", "lambda", "k_first", "attention_O", "gather", "None", "head")
TEXTS = {name: to_text(case(name)) for name in ("several_masks", "score_expression")}


@pytest.mark.parametrize("name", [*VALUES, "print", "ﬁ", "maximum", "M_", "tile"])
@pytest.mark.parametrize("value", ["Q", "S", "O", "m"])
def test_a_value_may_have_any_name(name: str, value: str) -> None:
    compare_drawn(case("several_masks").rename({value: name}), SIZES)


def test_names_that_python_takes_for_one_stay_apart() -> None:
    names = {"Q": "ﬁ", "K": "fi", "V": "fi_", "O": "attention_X", "m": "attention_attention_X"}
    compare_drawn(case("several_masks").rename(names), SIZES)


@pytest.mark.parametrize("size", [*VALUES, "q", "k", "h", "b", "s", "q_last", "min", "ﬁ", "λ"])
@pytest.mark.parametrize("symbol", ["N", "M", "D", "H"])
def test_a_size_may_have_any_name(size: str, symbol: str) -> None:
    text = TEXTS["score_expression"].replace("s - slope[h]", "s * H / (M + D) - slope[h]")
    index = size in "qkhbs"
    text = TEXTS["score_expression"] if index else text
    renamed = from_text(re.sub(rf"\b{symbol}\b(?!\")", size, text))
    compare_drawn(renamed, Sizes(dict(SIZES.symbols) | {size: SIZES.symbols[symbol]}))


def test_a_scale_by_a_size_named_as_an_index() -> None:
    compare_drawn(case("scale_by_a_size_named_as_an_index"), Sizes(dict(SIZES.symbols) | {"h": 4}))


@pytest.mark.parametrize(
    "title",
    [
        '"""\nraise SystemExit\n"""',
        'ends in "',
        "back\\",
        "\\N{x} \\U",
        "\x00\x1b[31m",
        "",
        "123",
        "def",
        "attention_O",
        "O",
        "np",
        "gather",
        "注意力",
        "x²",
    ],
)
def test_a_title_is_no_code(title: str) -> None:
    graph = case("causal")
    compare_drawn(Graph(title, graph.statements, graph.outputs), SIZES)


def test_an_optional_input_is_a_keyword_with_a_default() -> None:
    assert "def optional_mask(Q, K, V, mask=None):" in emit(case("optional_mask")).source
    clash = case("optional_mask").rename({"Q": "mask"})
    compare_drawn(clash, SIZES)


@pytest.mark.parametrize("path", ["rows keys np tile", "lambda k q s", "1 2 3 4", "N M E D"])
def test_paths_are_left_out_where_that_leaves_a_name(path: str) -> None:
    names = {old: f"Block_0_{new}" for old, new in zip("QKVO", path.split(), strict=True)}
    compare_drawn(case("several_masks").rename(names), SIZES)


@pytest.mark.parametrize(("second", "count"), [("causal", 1), ("scaled", 2)])
def test_copies_share_a_function_and_others_do_not(second: str, count: int) -> None:
    copies = []
    for i, name in enumerate(("causal", second)):
        graph = case(name)
        renamed = graph.rename({value: f"Block_{i}_{value}" for value in graph.table})
        copies.append(from_text(re.sub(r'name="(\w)"', rf'name="\g<1>{i}"', to_text(renamed))))
    statements = copies[0].statements + copies[1].statements
    graph = Graph.ordered("blocks", statements, [(s, s) for s in ("Block_0_O", "Block_1_O")])
    compare_drawn(graph, SIZES)
    assert emit(graph).source.count("def attention_") == count
