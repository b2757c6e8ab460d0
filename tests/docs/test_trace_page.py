"""docs/trace.md: its pictures and its sequence are what its commands give, and its program runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from attn_dsl.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "trace.md"
IMAGES = ROOT / "docs" / "images" / "trace"
TOKENS = "The,quick,brown,fox,jumps,over,the,lazy,dog,and,then,the,dog,sleeps,again,."
COMMANDS = {
    Path(command[-1]).stem: command[1:-2]
    for command in map(shlex.split, re.findall(r"^    (attn render .*)$", PAGE.read_text(), re.M))
}
"""The options of each picture, without its name."""
SEQUENCE = re.compile(r"(?<=<!-- sequence -->\n\n).*?(?=## Heat maps)", re.S)
Golden = Callable[[Path, str], None]


def drawn(options: list[str], path: Path) -> str:
    """What the command writes to `path`; an SVG follows its reader's theme."""
    options = [TOKENS if option == "…" else option for option in options]
    options[1] = str(ROOT / options[1])
    found = CliRunner().invoke(main, [*options, "--theme", "auto", "-o", str(path)])
    assert found.exit_code == 0, found.output
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_picture(name: str, golden: Golden, tmp_path: Path) -> None:
    golden(IMAGES / f"{name}.svg", drawn(COMMANDS[name], tmp_path / "out.svg"))


def test_all_pictures_are_shown() -> None:
    assert {path.stem for path in IMAGES.glob("*.svg")} == set(COMMANDS)
    shown = re.findall(r"\(images/trace/(\w+)\.svg\)", PAGE.read_text())
    assert shown == list(COMMANDS)


def test_sequence(golden: Golden, tmp_path: Path) -> None:
    shorter = {"N=4": "N=2", "The,cat,sat,down": "The,cat"}
    options = [shorter.get(option, option) for option in COMMANDS["steps"]]
    text = drawn(options, tmp_path / "out.mmd")
    block = f"```mermaid\n{text}```\n\n"
    golden(PAGE, SEQUENCE.sub(lambda _: block, PAGE.read_text(encoding="utf-8")))


def test_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    monkeypatch.chdir(ROOT)
    exec(program, {})
    assert "-inf" in capsys.readouterr().out
