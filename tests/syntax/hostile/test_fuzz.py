"""Random texts: a value or a diagnostic, never another exception."""

from __future__ import annotations

import contextlib
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from attn_dsl.diagnostics import DiagnosticError, Source, render
from attn_dsl.expr import ExpressionError
from attn_dsl.expr import parse as parse_expression
from attn_dsl.pipeline import analyse, read
from attn_dsl.syntax import format_text, parse, to_json

PIECES = """
    A B1 --> -- -.-> == | [ ] ( ) { } " @{ %% %%{ }%% ; & end x@ Softmax ::: #lt; <br> ---
"""
LINES = ["subgraph S", "direction LR", "style A fill:#f00;", "Mask: k <= q", "N : f32[N, D]"]
pieces = st.sampled_from([*PIECES.split(), *LINES, "class A b", "---\n", "\n", " ", "\0"])
texts = st.lists(pieces | st.text(max_size=3), max_size=30).map("".join)
YAML = """
    a [ ] { } ' " # << ~ *x 1e999 0x 0o9 2025-01-01 .nan \\ud800
"""
TAGS = ["&x ", "!!int ", "!!binary ", "!!set ", "!!omap ", "!x ", "| ", "> ", "? ", "%YAML 1.1\n"]
yaml = st.lists(
    st.sampled_from([*YAML.split(), *TAGS, ": ", ", ", "\n", "  ", "- ", "--- "]), max_size=15
).map("".join)
EXPRESSIONS = """
    k q 1 9e999 ( ) [ ] , + ** // <= not where min softmax = √ &lt; ≤ .5 inf x.T ᵀ @ ²
"""
expressions = st.lists(
    st.sampled_from([*EXPRESSIONS.split(), " "]) | st.text(max_size=2), max_size=12
).map("".join)


@settings(deadline=None, max_examples=150)
@given(texts)
@example("A-->" * 50 + "\ud800")
def test_flowcharts(text: str) -> None:
    source = Source("x", f"flowchart TD\n{text}")
    try:
        json.dumps(to_json("x", parse(source)), allow_nan=True).encode()
        format_text(source)
    except DiagnosticError as error:
        "".join(render(d) for d in error.diagnostics).encode()
    with contextlib.suppress(DiagnosticError):
        analyse(read(f"flowchart TD\n{text}\n"))


@settings(deadline=None, max_examples=250)
@given(yaml, st.booleans())
def test_metadata(text: str, front: bool) -> None:
    block = f"---\n{text}\n---\nflowchart TD\nA\n" if front else f"flowchart TD\nA@{{ {text} }}\n"
    with contextlib.suppress(DiagnosticError):
        json.dumps(to_json("x", parse(Source("x", block))), default=repr).encode()


@settings(deadline=None, max_examples=200)
@given(expressions, st.booleans())
def test_expressions(text: str, equation: bool) -> None:
    start = end = 0
    try:
        parse_expression(text, equation=equation)
    except ExpressionError as error:
        start, end = error.start, error.end
    assert 0 <= start <= end <= len(text)
