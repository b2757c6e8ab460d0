"""The tables that are shipped are those of the grammars, and are read as Lark reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attn_dsl.grammars import Unexpected, parse, tables
from attn_dsl.grammars.generate import STARTS, generate
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, Tree
from lark.exceptions import UnexpectedInput

GRAMMARS = Path(__file__).parents[2] / "grammars"
EXAMPLES = GRAMMARS.parent / "examples"
ERRORS = Path(__file__).parent / "errors"


@pytest.mark.parametrize("name", STARTS)
def test_tables_are_those_of_the_grammar(name: str) -> None:
    """If not: `python -m attn_dsl.grammars`."""
    assert (GRAMMARS / f"{name}.json").read_text(encoding="utf-8") == generate(name)


def tree_by_tables(name: str, start: str, text: str) -> Any:
    """What the loop over the shipped tables reads; None where it refuses the text."""
    try:
        return parse(tables(name), start, text, 0, lambda rule, parts, *_: (rule, parts))[0]
    except Unexpected:
        return None


def tree_by_lark(lark: Lark, start: str, text: str) -> Any:
    """What Lark itself reads by the grammar."""
    try:
        return plain(lark.parse(text, start=start))
    except UnexpectedInput:
        return None


def plain(node: Any) -> Any:
    if isinstance(node, Tree):
        return str(node.data), [plain(child) for child in node.children]
    return str(node)


def larks(name: str) -> Lark:
    text = (GRAMMARS / f"{name}.lark").read_text(encoding="utf-8")
    options: Any = {"parser": "lalr", "lexer": "contextual", "maybe_placeholders": False}
    return Lark(text, start=STARTS[name], **options)


LINES = sorted(
    {
        line.strip() + "\n"
        for path in sorted(EXAMPLES.rglob("*.attn")) + sorted(ERRORS.glob("*.attn"))
        for line in path.read_text(encoding="utf-8").splitlines()
    }
)
PIECES = ["k", "q", "doc", "3", "2.5", "<=", "==", "and", "not", "-", "//", "@", "ᵀ", "(", ")"]
PIECES += ["[", "]", ",", "where", "softmax", "axis=", "√", "|", "**"]


def test_statements_are_read_as_lark_reads_them() -> None:
    lark = larks("flowchart")
    read = [(tree_by_tables("flowchart", "statement", line), line) for line in LINES]
    assert sum(tree is not None for tree, _ in read) > 100
    for tree, line in read:
        assert tree == tree_by_lark(lark, "statement", line), line


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_expressions_are_read_as_lark_reads_them(pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert tree_by_tables("expression", "start", text) == tree_by_lark(EXPRESSION, "start", text)


EXPRESSION = larks("expression")
