"""Numbers of the launcher: printed in C, and computed in Python, from one expression."""

from __future__ import annotations

from attn_cuda.cxx.sizes import count, divides, print_size, tiles, times, value_of
from attn_cuda.cxx.unit import make_unit
from emit_support import graph_of

from attn_dsl.expr import Number
from attn_dsl.ir import Dim

B, N = Dim.of("B"), Dim.of("N")
UNIT = make_unit(graph_of("X: f32[B, N]", '%Y = score(%X) {value="s"} : f32[B, N]'), {})


def test_one_expression_is_printed_and_computed() -> None:
    blocks = times(tiles(N.to_expr(), 64), Number(1), B.to_expr())
    assert print_size(UNIT, blocks) == "(N + 63) / 64 * B"
    assert value_of(blocks, {"N": 65, "B": 3}) == 6


def test_a_tensor_has_the_product_of_its_dims() -> None:
    elements = count((B, Dim.of(8), N + Dim.of(1), Dim.of(4)))
    assert print_size(UNIT, elements) == "B * (N + 1) * 32"
    assert value_of(elements, {"B": 2**20, "N": 2**20}) == 2**25 * (2**20 + 1)
    assert count(()) == Number(1)


def test_a_condition_holds_or_not() -> None:
    (condition,) = divides(N, B)
    assert print_size(UNIT, condition) == "B != 0 && N % B == 0"
    found = [value_of(condition, {"N": 6, "B": few}) for few in (0, 3, 4)]
    assert found == [0, 1, 0]
    assert divides(Dim.of(8), Dim.of(3)) == ()
