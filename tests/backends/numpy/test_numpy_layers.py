"""Operations that are not fused, in emitted modules."""

from __future__ import annotations

import pytest
from layers import OPS, SIZES, heads, layer
from modules import compare, compare_drawn, emit
from support import draw

from attn_dsl.ir import Sizes, from_text, to_text


@pytest.mark.parametrize("name", OPS)
def test_layer(name: str) -> None:
    compare_drawn(layer(name), SIZES)


@pytest.mark.parametrize("name", ["layer_norm", "linear", "positions", "embedding", "sum"])
def test_of_nothing(name: str) -> None:
    compare_drawn(layer(name), Sizes(dict(SIZES.symbols) | {"N": 0}, (0,)))


def test_ids_outside_of_the_table() -> None:
    graph = layer("embedding")
    arrays = draw(graph, SIZES)
    arrays["i"][:] = [[-1, 7, 100, 0, 6]]
    compare(graph, arrays)


def test_heads() -> None:
    compare_drawn(heads(), SIZES)


@pytest.mark.parametrize("value", ["layer_norm", "embedding", "positions", "split_heads", "np"])
@pytest.mark.parametrize("name", ["layer_norm", "embedding", "positions", "split_heads"])
def test_values_named_as_helpers(name: str, value: str) -> None:
    compare_drawn(layer(name).rename({"out": value, "x": f"{value}_", "t": "index"}), SIZES)


def test_parameters_come_as_one_mapping() -> None:
    text = to_text(layer("linear"))
    for name in ("w", "a"):
        text = text.replace(f'{{name="{name}",', f'{{name="Block.1.{name}", parameter=true,')
    graph = from_text(text)
    assert "def layer(parameters, x, t, z):" in emit(graph).source
    compare_drawn(graph, SIZES)
