"""The pictures of docs/tiles.md are what `attn render --view tiles` draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.pipeline import read
from attn_dsl.render import Theme
from attn_dsl.views import write_picture

ROOT = Path(__file__).parents[2]
PICTURES = {"causal": "causal.attn", "sliding_window": "variants/sliding_window.attn"}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    block = read(ROOT / "examples" / PICTURES[name])
    write_picture(block, tmp_path / "out.svg", "tiles", {}, Theme.LIGHT)
    golden(ROOT / "docs" / "images" / f"tiles_{name}.svg", (tmp_path / "out.svg").read_text())


def test_the_page_shows_them_all() -> None:
    page = (ROOT / "docs" / "tiles.md").read_text(encoding="utf-8")
    shown = {path.name for path in (ROOT / "docs" / "images").glob("tiles_*.svg")}
    assert shown == {f"tiles_{name}.svg" for name in PICTURES}
    assert all(f"](images/{name})" in page for name in shown)
