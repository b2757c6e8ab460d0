"""Each `errors/*.attn` with what is said about it beside it, in `*.err`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source, render
from attn_dsl.diagnostics.codes import TITLES
from attn_dsl.syntax import parse
from attn_dsl.syntax.flowchart import MAX_ERRORS

FILES = sorted((Path(__file__).parent / "errors").glob("*.attn"))


def said_of(path: Path) -> str:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    try:
        diagnostics = parse(source).warnings
    except DiagnosticError as error:
        diagnostics = error.diagnostics
    return "".join(f"{render(diagnostic)}\n" for diagnostic in diagnostics)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_wording_and_place(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path.with_suffix(".err"), said_of(path))


def test_every_code_of_a_diagram_has_a_case() -> None:
    said = "".join(path.with_suffix(".err").read_text(encoding="utf-8") for path in FILES)
    of_documents = {"E001", "E002", "E004", "E005", "E026", "E027"}
    of_syntax = {code for code in TITLES if int(code[1:]) < (30 if code[0] == "E" else 20)}
    assert {code for code in of_syntax if f"attn[{code}]" not in said} == of_documents


def test_no_terminal_of_the_grammar_is_ever_named() -> None:
    said = "".join(said_of(path) for path in FILES)
    assert "ANON" not in said
    assert "Token" not in said
    assert "LSQB" not in said


def test_many_errors_are_cut_short() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("x", "flowchart TD\n" + "A[foo\n" * 1000))
    assert len(caught.value.diagnostics) == MAX_ERRORS


@pytest.mark.parametrize(
    "text",
    [
        "flowchart TD\n" + "subgraph S\n" * 3000 + "A\n" + "end\n" * 3000,
        "flowchart TD\n" + " --> ".join("ABC" * 1000),
        "flowchart TD\nA@{ x: " + "[" * 3000 + "]" * 3000 + " }\n",
        "flowchart TD\n" + "A(" * 3000,
    ],
    ids=["subgraphs", "chain", "yaml", "brackets"],
)
def test_depth_never_exhausts_the_stack(text: str) -> None:
    try:
        found = len(parse(Source("deep", text)).nodes)
    except DiagnosticError as error:
        found = len(error.diagnostics)
    assert found


def test_no_edge_is_missed_after_a_line_that_could_not_be_read() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("x", "flowchart TD\nA[foo --> B\nlinkStyle 0 stroke:#f00\n"))
    assert [d.code for d in caught.value.diagnostics] == ["E009"]
