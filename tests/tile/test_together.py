"""An attention and the log-sum-exp of its scores are computed together, in an order that works."""

from __future__ import annotations

import pytest

from attn_dsl.ir import Graph, from_text, verify
from attn_dsl.tile import together

HEAD = """graph "g"
%Q = input() {name="Q", type="f32[H, N, D]"} : f32[H, N, D]
%K = input() {name="K", type="f32[H, M, D]"} : f32[H, M, D]
%V = input() {name="V", type="f32[H, M, D]"} : f32[H, M, D]
"""
ATTENTION = '%O = tiled_attention(%Q, %K, %V) {mask="k < q"} : f32[H, N, D]'
ROWS = '%L = tiled_log_sum_exp(%Q, %K) {mask="k < q"} : f32[H, N]'


def graph_of(*lines: str, outputs: str = "OL") -> Graph:
    returns = "".join(f'return "{name}" = %{name}\n' for name in outputs)
    return verify(from_text(HEAD + "".join(f"{line}\n" for line in lines) + returns))


def groups(graph: Graph) -> list[str]:
    """The names in order, those of one kernel side by side; checks that operands come first."""
    done: set[str] = set()
    for group in together(graph):
        assert all(set(statement.op.operands) <= done for statement in group)
        done |= {statement.name for statement in group}
    assert done == set(graph.table)
    return ["".join(s.name for s in group) for group in together(graph)]


@pytest.mark.parametrize("lines", [(ATTENTION, ROWS), (ROWS, ATTENTION)])
def test_a_pair_is_one_kernel(lines: tuple[str, ...]) -> None:
    assert groups(graph_of(*lines)) == ["Q", "K", "V", "OL"]


def test_what_comes_between_waits() -> None:
    between = "%X = row(%L) : f32[H, 1, N]"
    value = '%W = scale(%V) {factor="2"} : f32[H, M, D]'
    later = ATTENTION.replace("%V", "%W")
    assert groups(graph_of(ROWS, between, value, later, outputs="OX")) == [
        *("Q", "K", "V", "W", "OL", "X")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k < q", "k <= q"),
        ("%L = tiled_log_sum_exp(%Q, %K) {", '%L = tiled_log_sum_exp(%Q, %K) {sink="0", '),
        ("%L = tiled_log_sum_exp(%Q, %K) {", '%L = tiled_log_sum_exp(%Q, %K) {scale="2", '),
        ("%L = tiled_log_sum_exp(%Q, %K)", "%L = tiled_log_sum_exp(%Q, %V)"),
    ],
)
def test_other_scores_are_another_kernel(old: str, new: str) -> None:
    graph = graph_of(ATTENTION, ROWS.replace(old, new))
    assert groups(graph) == ["Q", "K", "V", "O", "L"]


def test_weights_without_a_softmax_have_no_sum() -> None:
    graph = graph_of(ATTENTION.replace("{", '{normalizer="none", '), ROWS)
    assert groups(graph) == ["Q", "K", "V", "O", "L"]


def test_one_that_needs_the_other_waits_for_it() -> None:
    value = "%W = multiply(%V, %X) : f32[H, M, D]"
    lines = (
        ROWS,
        "%Y = sum(%L) : f32[H]",
        "%Z = row(%Y) : f32[1, H]",
        "%X0 = transpose(%Z) : f32[H, 1]",
        "%X = row(%X0) : f32[H, 1, 1]",
        value,
        ATTENTION.replace("%V", "%W"),
    )
    assert groups(graph_of(*lines))[-1] == "O"


def test_values_of_more_batches() -> None:
    """The kernel runs once a batch, and there is one log-sum-exp for all."""
    text = HEAD.replace(
        'name="V", type="f32[H, M, D]"} : f32[H', 'name="V", type="f32[B, H, M, D]"} : f32[B, H'
    )
    wide = ATTENTION.replace("f32[H, N, D]", "f32[B, H, N, D]")
    graph = verify(from_text(f'{text}{wide}\n{ROWS}\nreturn "O" = %O\nreturn "L" = %L\n'))
    assert groups(graph) == ["Q", "K", "V", "O", "L"]
