"""docs/variants.md and its pictures are what the examples give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from variants_page import FILES, page, picture

from attn_dsl.render.tiles.tilemap import tile_map_svg

DOCS = Path(__file__).parents[2] / "docs"
Golden = Callable[[Path, str], None]


def test_page(golden: Golden) -> None:
    golden(DOCS / "variants.md", page())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_picture(file: Path, golden: Golden) -> None:
    golden(DOCS / "images" / "variants" / f"{file.stem}.svg", picture(file))


def test_no_picture_is_left_over() -> None:
    pictures = (DOCS / "images" / "variants").glob("*.svg")
    assert {path.stem for path in pictures} == {file.stem for file in FILES}


def test_each_kind_of_tile_is_drawn() -> None:
    text = tile_map_svg(np.array([[2, 1, 0], [2, 2, 1]]), "a < b")
    assert "<title>a &lt; b</title>" in text
    full, cut = (text.count(shape) for shape in ("h10v10h-10z", "v10h10z"))
    assert (full, cut) == (3, 2)
    assert 'viewBox="-1 -1 32 22"' in text
