"""Every error of a drawing: its text, its place, its help. One golden a case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source, render
from attn_dsl.pipeline import analyse
from attn_dsl.syntax import Block

CASES = sorted((Path(__file__).parent / "errors").glob("*.attn"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_error(case: Path, golden: Callable[[Path, str], None]) -> None:
    text = case.read_text(encoding="utf-8")
    block = Block(Source(case.name, text), 0, len(text), case.name)
    try:
        diagnostics = analyse(block).notes
    except DiagnosticError as error:
        diagnostics = error.diagnostics
    assert diagnostics
    golden(case.with_suffix(".err"), "\n".join(map(render, diagnostics)) + "\n")
