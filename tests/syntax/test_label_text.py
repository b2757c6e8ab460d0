"""Labels: what the author wrote, and what mermaid shows of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_dsl.diagnostics import Source
from attn_dsl.syntax import Text, parse, to_json
from attn_dsl.syntax.labels import decode
from attn_dsl.syntax.sanitize import sanitize


def label(written: str) -> Text:
    return parse(Source("x", f"flowchart TD\nA[{written}]")).nodes["A"].label


def test_quotes_markdown_and_space_are_dropped() -> None:
    assert label('"  x  "').text == "x"
    assert label("  x y ").text == "x y"
    assert label('"`**x**`"').text == "**x**"


def test_breaks_are_kept() -> None:
    assert label('"Head 1 <br> Attention"').text == "Head 1 <br> Attention"
    assert label('"a<br/>b"').text == "a<br/>b"
    assert label('"a<br/>b"').shown == "a<br>b"


def test_the_whole_text_is_kept_where_mermaid_cuts_it() -> None:
    diagram = parse(Source("x", 'flowchart TD\nA["Mask: k<q"]'))
    assert diagram.nodes["A"].label.text == "Mask: k<q"
    assert to_json("x", diagram)["nodes"][0]["text"] == "Mask: k"
    assert [warning.code for warning in diagram.warnings] == ["W001"]


@pytest.mark.parametrize("written", ['"k < q"', '"k <= q"', '"k #lt;q"', '"a<br/>b"', '"<b>x</b>"'])
def test_no_warning_where_nothing_is_lost(written: str) -> None:
    assert parse(Source("x", f"flowchart TD\nA[{written}]")).warnings == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("#quot;", '"'),
        ("#9829;", "♥"),
        ("&#x221a;", "&&x221a;"),
        ("&lt;q", "<q"),
        ("#radic;d", "√d"),
        ("#word;", "&word;"),
        ("#1114112;", "\ufffd"),
        ("#55296;", "\ufffd"),
        ("a & b;", "a & b;"),
    ],
)
def test_entities(written: str, meant: str) -> None:
    assert decode(written) == meant


def test_comments_inside_a_label_are_left_out() -> None:
    assert label('"a\n  %% so\nb"').text == "a\nb"


@given(st.text(alphabet="<>/ab r='\"!-k", max_size=30))
def test_only_what_follows_a_bracket_is_sanitized(text: str) -> None:
    before = text.split("<")[0]
    assert sanitize(text).startswith(before)
    if before == text:
        assert sanitize(text) == text
