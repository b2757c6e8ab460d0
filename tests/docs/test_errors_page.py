"""docs/errors.md says what the tests say, and every code has one meaning and a title."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_cases import COMMANDS
from errors_page import page, split

from attn_dsl.diagnostics.codes import TITLES

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'"([EWN]\d{3})"')


def given() -> dict[str, set[Path]]:
    """The files that give each code."""
    places: dict[str, set[Path]] = {}
    for folder in ("attn_dsl", "backends"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "codes.py":
                for code in CODE.findall(path.read_text(encoding="utf-8")):
                    places.setdefault(code, set()).add(path.relative_to(ROOT))
    return places


def test_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    golden(ROOT / "docs" / "errors.md", page(tmp_path))


def test_every_code_has_a_title_and_every_title_a_code() -> None:
    assert set(given()) == set(TITLES)
    assert len(set(TITLES.values())) == len(TITLES)


def test_no_code_is_given_in_two_places() -> None:
    assert {code: places for code, places in given().items() if len(places) > 1} == {}


@pytest.mark.parametrize("code", COMMANDS)
def test_command_shows_its_code_alone(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    word = {"E": "error", "W": "warning", "N": "note"}[code[0]]
    said = split(COMMANDS[code].stderr(tmp_path))
    found = [text for text in said if text.startswith(word)]
    assert found, said
    assert all(f"attn[{code}]" in text for text in found), found


def test_every_code_has_an_example() -> None:
    """But for Graphviz failing, which no diagram is known to bring about."""
    sections = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").split("### ")[1:]
    assert [section[:4] for section in sections if "```" not in section] == ["E082"]
