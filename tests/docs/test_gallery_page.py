"""docs/gallery.md shows what `attn render` draws of the examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from gallery_page import Shown, examples, page, views

from attn_dsl.cli import main
from attn_dsl.render import Theme, encode

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images" / "gallery"
ALL = [*examples(), *views()]


def test_page(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "gallery.md", page())


def said(svg: str) -> Iterator[str]:
    """The texts of a picture, which are the same on every machine, as places are not."""
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        yield "".join(element.itertext())


@pytest.mark.parametrize("shown", ALL, ids=lambda shown: shown.name)
def test_picture(shown: Shown, request: pytest.FixtureRequest) -> None:
    drawn = encode(shown.picture(), "svg", Theme.AUTO).decode()
    path = IMAGES / f"{shown.name}.svg"
    if request.config.getoption("--update-goldens"):
        path.write_text(drawn, encoding="utf-8")
    assert sorted(said(path.read_text(encoding="utf-8"))) == sorted(said(drawn))


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in IMAGES.glob("*.svg")} == {shown.name for shown in ALL}


@pytest.mark.parametrize("shown", views(), ids=lambda shown: shown.name)
def test_commands_are_those_that_draw_it(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    result = CliRunner().invoke(main, shown.command.split()[1:])
    assert result.exit_code == 0, result.output
    drawn = (tmp_path / f"{shown.name}.svg").read_text(encoding="utf-8")
    assert drawn == encode(shown.picture(), "svg").decode()
