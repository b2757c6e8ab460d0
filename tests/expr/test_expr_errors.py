"""What is no expression: where it goes wrong, to the character, and quickly."""

from __future__ import annotations

import time

import pytest

from attn_dsl.expr import ExpressionError, evaluate, names_in, parse, to_text
from attn_dsl.expr.parse import MAX_LENGTH, MAX_NESTING


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a + * b", "*", "`*` is not expected here"),
        ("a b", "b", "`b` is not expected here"),
        ("a orb", "orb", "`orb` is not expected here"),
        ("a == not b", "not", "`not` is not expected here"),
        ("and + a", "and", "`and` is not expected here"),
        ("k ≤ ≠ q", "≠", "`≠` is not expected here"),
        ("k &lt;= q ≥ × 2", "×", "`×` is not expected here"),
        ("k &lt; &lt; q", "&lt;", "`&lt;` is not expected here"),
        ("k ≤ q #gt;= 2 ; 1", ";", "`;` has no meaning here"),
        ("k &lt; 2\n? 3", "?", "`?` has no meaning here"),
        ("k ≤ fnord(q)", "fnord", "there is no function `fnord`"),
        ("q ≠ where(k)", "where", "`where` takes 3 arguments, 1 are given"),
        ("max()", ")", "`)` is not expected here"),
        ("k ≥ d² + 1", "d²", "`d²` is no name"),
        ("k ≤ 9223372036854775808", "9223372036854775808", "whole numbers have at most 64 bits"),
        ("a $ b", "$", "`$` has no meaning here"),
    ],
)
def test_place(text: str, place: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    error = raised.value
    first = text.rindex(place)
    assert (str(error), error.start, error.end) == (message, first, first + len(place))


@pytest.mark.parametrize("text", ["a ≤", "(a", "doc[q", "not", "a &lt;"])
def test_too_early_an_end_is_at_the_end(text: str) -> None:
    with pytest.raises(ExpressionError, match="ends too early") as raised:
        parse(text)
    assert raised.value.start == raised.value.end == len(text)


@pytest.mark.parametrize(
    ("text", "place", "help"),
    [
        ("k =< q", "=<", "write `<=`, as in Python"),
        ("k <= q && k > 2", "&&", "write `and`, as in Python"),
        ("k <= q || k > 2", "||", "write `or`, as in Python"),
        ("!(k <= q)", "!", "write `not`, as in Python"),
        ("k = q", "=", "write `==`, as in Python"),
        ("2 ^ h", "^", "write `**`, as in Python"),
    ],
)
def test_operators_of_other_languages(text: str, place: str, help: str) -> None:
    with pytest.raises(ExpressionError, match="has no meaning here") as raised:
        parse(text)
    first = text.index(place)
    assert (raised.value.start, raised.value.end) == (first, first + len(place))
    assert raised.value.help == help


@pytest.mark.parametrize(("text", "help"), [("(a", "a `(` is"), ("doc[q", "a `[` is"), ("a +", "")])
def test_a_bracket_that_is_not_closed(text: str, help: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert raised.value.help.startswith(help)
    assert bool(raised.value.help) is bool(help)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing(text: str) -> None:
    with pytest.raises(ExpressionError, match="an expression is missing here"):
        parse(text)


def test_an_unknown_function_lists_the_known() -> None:
    with pytest.raises(ExpressionError) as raised:
        parse("softplus(s)")
    assert raised.value.help.startswith("known are where, min, max")


MANY = 3000
TOO_MUCH = {
    "sum": "+".join("a" * MANY),
    "power": "**".join("a" * MANY),
    "comparison": "<".join("a" * MANY),
    "conjunction": " and ".join("a" * 1500),
    "not": "not " * 2000 + "a",
    "not and tab": "not\t" * 2000 + "a",
    "tilde and not": ("~" * 99 + "not ") * 90 + "a",
    "minus": "-" * 5000 + "a",
    "minus and tab": "-\t" * MANY + "a",
    "root": "√" * 5000 + "a",
    "minimum": f"min({','.join('a' * MANY)})",
    "index": "d[" * MANY + "q" + "]" * MANY,
    "call": "abs(" * 1900 + "q" + ")" * 1900,
    "open": "(" * 5000,
    "chains in chains": "(1<" * 99 + "a" + "<3)" * 99,
    "chains in functions": "(1<abs(" * 45 + "a" + ")<3)" * 45,
    "digits": "9" * 9000,
    "long": "a" * (MAX_LENGTH + 1),
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_no_one_writes_is_refused_at_once(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(ExpressionError):
        parse(text)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("text", ["-" * 5000 + "2", "(" * 4000 + "a" + ")" * 4000, "0" * 900 + "7"])
def test_what_is_only_long_is_read(text: str) -> None:
    assert to_text(parse(text)) in ("2", "a", "7")


def test_some_chains_in_chains_are_read() -> None:
    assert evaluate(parse("0 <= (1 < (2 < a < 4) + 1 < 3) < 2"), {"a": 3}, {})


@pytest.mark.parametrize("link", [" + ", " ** ", " < ", " and "])
def test_the_deepest_tree_that_is_read_can_be_walked(link: str) -> None:
    tree = parse(link.join("k" for _ in range(MAX_NESTING - 2)))
    assert parse(to_text(tree)) == tree
    assert names_in(tree) == {"k"}
    evaluate(tree, {"k": 1}, {})
