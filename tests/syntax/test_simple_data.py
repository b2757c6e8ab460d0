"""Metadata that is read without the YAML library is what that library would read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from attn_dsl.syntax.simple_data import read_simple
from attn_dsl.syntax.yaml import load

WORDS = """
    a op True null NULL no y inf e1 1 -1 0 -0 007 1e3 0x1 1_0 12345678901234567 _ a_b a.b ~ "x"
    "f16[B, H]" "a: b" "" "é√#" "\\n" "\u2028" 'q' # x#y [1]
"""
words = st.sampled_from(WORDS.split())
pieces = words | st.sampled_from([": ", ":", ", ", ",", " ", "[", "]", "- ", "\u00a0"])
values = words | st.lists(words, max_size=2).map(", ".join).map("[{}]".format)
pairs = st.tuples(words, values | st.lists(words, max_size=3).map(" ".join)).map(": ".join)
flow = st.lists(pairs, min_size=1, max_size=3).map(", ".join) | st.lists(pieces).map("".join)
lines = st.tuples(st.sampled_from(["", "  ", "   ", "\t"]), flow | st.just("")).map("".join)
block = st.lists(lines, min_size=2, max_size=5).map("\n".join)


@settings(max_examples=500, deadline=None)
@given(flow | block)
def test_it_is_read_as_yaml_is(text: str) -> None:
    simple = read_simple(text)
    if simple is None:
        return
    before = "" if "\n" in text else "{\n"
    found, places = load(text if "\n" in text else f"{{\n{text}\n}}")
    assert {key: value for key, value, _, _ in simple} == found
    assert [type(value) for _, value, _, _ in simple] == list(map(type, found.values()))
    spans = [(start + len(before), end + len(before)) for _, _, start, end in simple]
    assert spans == list(places)


def test_what_people_write_is_simple() -> None:
    for text in (
        " op: softmax, axis: -1 ",
        'type: "f16[B, H]"',
        ' params: "a.{i}", dims: [B, 64] ',
        "\n  op: matmul\n  text: Scaled dot-product\n",
    ):
        assert read_simple(text)
    for text in (
        "",
        " ",
        "a: 1, a: 2",
        "a: true",
        "a: 1,",
        "a: {b: 1}",
        "a",
        "a:1",
        "null: 1",
        "a: x\n  b: y",
    ):
        assert read_simple(text) is None
