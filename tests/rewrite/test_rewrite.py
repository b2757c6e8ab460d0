"""Names that are free, users that are alone, statements that are exchanged."""

from __future__ import annotations

import pytest

from attn_dsl.expr import Number
from attn_dsl.ir import Statement, from_text, parse_type
from attn_dsl.ir.ops import Scale
from attn_dsl.rewrite import NoMatch, fresh_name, only_user, replace_statements

GRAPH = from_text("""graph "g"
%x = input() {name="x", type="f32[x_T]"} : f32[x_T]
%a = add(%x, %x) : f32[x_T]
%b = add(%a, %x) : f32[x_T]
%c = softmax(%b) : f32[x_T]
return "c" = %c
return "a" = %a
""")


def test_a_fresh_name_is_no_value_s_and_no_size_s() -> None:
    assert [fresh_name(GRAPH, wish) for wish in ("y", "a", "x_T")] == ["y", "a_2", "x_T_2"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x", "it is used 2 times, so it has to be stored"),
        ("a", "it is an output, so it has to be stored"),
        ("c", "it is an output, so it has to be stored"),
    ],
)
def test_what_has_to_be_stored(value: str, reason: str) -> None:
    with pytest.raises(NoMatch) as raised:
        only_user(GRAPH, GRAPH.table[value])
    assert (raised.value.reason, raised.value.at.name) == (reason, value)


def test_the_only_user() -> None:
    assert only_user(GRAPH, GRAPH.table["b"]).name == "c"


def test_replacing_orders_anew_and_drops_what_is_not_needed() -> None:
    type_ = parse_type("f32[x_T]")
    new = [
        Statement("c", Scale("y", Number(2)), type_),
        Statement("y", Scale("a", Number(3)), type_),
    ]
    replaced = replace_statements(GRAPH, new)
    assert [s.name for s in replaced.statements] == ["x", "a", "y", "c"]
    assert replaced.outputs == GRAPH.outputs
