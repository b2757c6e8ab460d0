"""The text of a diagnostic: carets stand under what they speak of."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.diagnostics import (
    Diagnostic,
    DiagnosticError,
    Note,
    Severity,
    Source,
    Span,
    render,
    worst,
)

HERE = Path(__file__).parent
TEXT = """\
flowchart TD
    Q(["Q : f32[N, D]"])
    K(["K : f32[M, E]"])
    Q & K --> S[MatMul]
"""


def excerpt(text: str, marked: str, *, until: str = "") -> tuple[str, str]:
    """The source line and the marks under the last `marked` (or from it through `until`)."""
    start = text.rindex(marked)
    end = text.index(until, start) + len(until) if until else start + len(marked)
    lines = render(Diagnostic("E000", "message", Span(Source("f", text), start, end))).split("\n")
    line, marks = (part.split("|", 1)[1][1:] for part in lines[2:])
    return line, marks


def columns(text: str) -> int:
    """The oracle: how wide a terminal shows `text`."""
    narrow = [c for c in text if unicodedata.category(c) not in ("Mn", "Me")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in narrow)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("a --> b", "b"),
        ("\ta\t--> b", "b"),
        ("注意力 --> b", "b"),
        ("注意力 --> 乘法", "乘法"),
        ("ａ -->\u3000b", "b"),
        ("a\u0301o\u0302 --> b", "b"),
        ("√\u20dd --> b", "b"),
        ("a\u200b\x1b[1m --> b", "b"),
        ("Kᵀ·Qᵀ --> λ", "λ"),
        ("one\r\ntwo --> b\r\n", "b"),
    ],
)
def test_marks_stand_under_the_span(text: str, marked: str) -> None:
    line, marks = excerpt(text, marked)
    before = line[: line.rindex(marked)]
    assert marks == " " * columns(before) + "^" * columns(marked)


def test_what_is_not_printable_does_not_reach_the_terminal() -> None:
    line, _ = excerpt("a\t\x1b[31m\u200b b", "b")
    assert line == "a  [31m  b"
    assert render(Diagnostic("E000", "no `\x1b[2J`")) == "error: attn[E000]: no ` [2J`"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_end_of_a_line_has_one_mark_after_it(end: str) -> None:
    text = f"ab{end}"
    report = render(Diagnostic("E000", "message", Span(Source("f", text), 2, 2)))
    assert report.split("\n")[1:] == ["  --> f:1:3", "   1 | ab", "     |   ^"]


def test_a_span_over_lines_is_marked_to_the_end_of_the_first() -> None:
    assert excerpt("ab cd\r\nef", "cd", until="ef") == ("ab cd", "   ^^")


@pytest.mark.parametrize("place", [0, 80, 500, 999])
def test_a_long_line_is_cut_around_the_span(place: int) -> None:
    text = "-" * place + "XY" + "-" * (1000 - place)
    line, marks = excerpt(text, "XY")
    assert len(line) <= 160
    assert line[marks.index("^") : len(marks)] == "XY"
    assert len(excerpt("Z" * 1000, "Z" * 1000)[1]) <= 160


def test_lines_and_columns_are_counted_from_one() -> None:
    source = Source("f.attn", "one\r\ntwo\n\nfour")
    assert [source.line_of(i) for i in (0, 4, 5, 9, 10, 14)] == [1, 1, 2, 3, 4, 4]
    assert [source.line_text(n) for n in (1, 2, 3, 4)] == ["one", "two", "", "four"]
    span = Span(source, 7, 9)
    assert (span.place, span.text) == ("f.attn:2:3", "o\n")
    assert span.within(source.whole)
    assert not source.whole.within(span)


@pytest.mark.parametrize("line", [9, 99_999])
def test_the_gutter_holds_the_number(line: int) -> None:
    source = Source("f", "\n" * (line - 1) + "ab")
    report = render(Diagnostic("E000", "m", Span(source, line - 1, line + 1))).split("\n")
    assert report[2].index("|") == report[3].index("|")
    assert report[2].split() == [str(line), "|", "ab"]


def test_the_whole_report(golden: Callable[[Path, str], None]) -> None:
    source = Source("mha.attn", TEXT)

    def span(text: str) -> Span:
        return Span(source, TEXT.index(text), TEXT.index(text) + len(text))

    diagnostics = [
        Diagnostic(
            "E012",
            "shapes do not fit",
            span("S[MatMul]"),
            "contracts D with E",
            (Note(span("f32[N, D]"), "D comes from here"), Note(span("f32[M, E]"), "E from here")),
            "declare K as `f32[M, D]`",
        ),
        Diagnostic("W001", "nobody reads K", span("K(["), severity=Severity.WARNING),
        Diagnostic("N001", "read as Q · Kᵀ", span("-->"), "no transpose", severity=Severity.NOTE),
        Diagnostic("E081", "`x.py` cannot be written", help="choose another folder"),
    ]
    golden(HERE / "report.txt", "\n\n".join(map(render, diagnostics)) + "\n")
    assert worst(diagnostics) is Severity.ERROR
    assert worst(diagnostics[1:3]) is Severity.WARNING
    assert worst([]) is Severity.NOTE
    assert str(DiagnosticError(diagnostics[:2])) == "shapes do not fit\nnobody reads K"
