"""The progress bar is for terminals alone."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from attn_dsl import progress


def test_a_terminal_sees_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    terminal = Console(file=seen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda **_: terminal)
    with progress.progress("render a.svg", parts=2) as step:
        step("compiling")
        step("drawing [bold]")
    assert "render a.svg: drawing [bold]" in seen.getvalue()


def test_others_see_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.progress("render a.svg", parts=1) as step:
        step("compiling")
    assert capfd.readouterr() == ("", "")
