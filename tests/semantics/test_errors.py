"""Every error of a drawing: its text, its place, its help. One golden a case."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn import codes

from attn_dsl import pipeline
from attn_dsl.diagnostics import DiagnosticError, render
from attn_dsl.library import library_path
from attn_dsl.pipeline import analyse, read
from attn_dsl.semantics import errors, settings

CASES = sorted((Path(__file__).parent / "errors").glob("*.attn"))
X = 'x["x : f32[N, D]"] --> y[Softmax]\n'


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_error(
    case: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.parent)
    try:
        diagnostics = analyse(read(case.name)).notes
    except DiagnosticError as error:
        diagnostics = error.diagnostics
    assert diagnostics
    said = "\n".join(map(render, diagnostics)) + "\n"
    golden(case.with_suffix(".err"), said.replace(str(library_path("").parent), "attn_dsl/library"))


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("E030", {"N": 0}),
    ("E030", {"N": -1}),
    ("E030", {"N": "many"}),
    ("E030", {"N": True}),
    ("E030", {"N": 2**50}),
    ("E030", {"dtype": "f33"}),
    ("E054", {"M": 3}),
    ("E054", {"heads": 3}),
]


@pytest.mark.parametrize(("code", "given"), SETTINGS)
def test_error_of_a_setting(code: str, given: dict[str, Any]) -> None:
    assert codes(X, **given) == [code]
    assert codes(X, N=3, dtype="f64") == []


def test_every_code_has_a_case() -> None:
    known: set[str] = set()
    for module in (errors, settings, pipeline):
        assert module.__file__ is not None
        known.update(re.findall(r'"([EWN]\d{3})"', Path(module.__file__).read_text("utf-8")))
    said = "".join(case.with_suffix(".err").read_text("utf-8") for case in CASES)
    shown = set(re.findall(r"^\w+: attn\[(\w+)\]", said, re.MULTILINE))
    assert known - shown - {code for code, _ in SETTINGS} == set()


SEVERAL = {"axis", "bad_expression", "bad_type", "broadcast", "operand_count", "settings"}
SEVERAL |= {"settings_of_wrong_kind", "several_at_once", "unknown_name"}
SEVERAL |= {"metadata_of_a_wrong_kind"}
"""Cases of several mistakes."""


def test_every_other_case_is_about_one_thing() -> None:
    """No error is said that another one brought about."""
    errors_in = {
        case.stem: case.with_suffix(".err").read_text("utf-8").count("error: attn[")
        for case in CASES
    }
    assert {name for name, count in errors_in.items() if count > 1} == SEVERAL
