"""Pages as they look: pictures of them, compared as the eye does from afar.

Both are blurred and made smaller, so that another font makes little difference, and a picture or
a colour that is missing a great one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from made import made_page
from PIL import Image, ImageFilter

from attn_dsl.render import palette
from attn_dsl.render.page import page_html

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
NDArray = np.ndarray[Any, Any]
GOLDENS = Path(__file__).parent / "goldens"
AFAR = 16
"""Pixels that count as one."""

MEAN, MOST = 0.6, 28.0
"""By how many of 255 steps pictures may differ from afar, in the mean and anywhere."""


def kept(page: Page) -> None:
    page.get_by_label("Softmax 1").click()
    page.mouse.move(1, 1)


def stepped(page: Page) -> None:
    page.get_by_role("slider").fill("5")
    page.get_by_role("tab", name="Text").click()


CASES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "light": ("light", kept),
    "dark": ("dark", kept),
    "step": ("light", stepped),
}


def differences(one: bytes, other: bytes) -> tuple[float, float]:
    """The mean and the greatest difference of two pictures from afar, in steps of 255."""
    first, second = map(_afar, (one, other))
    assert first.shape == second.shape
    apart = np.abs(first - second)
    return float(apart.mean()), float(apart.max())


def _afar(data: bytes) -> NDArray:
    image = Image.open(io.BytesIO(data)).convert("RGB").filter(ImageFilter.GaussianBlur(AFAR))
    return np.asarray(image.reduce(AFAR), dtype=np.float64)


@pytest.mark.parametrize("name", CASES)
def test_the_page_looks_as_it_did(
    open_page: Open, name: str, request: pytest.FixtureRequest
) -> None:
    scheme, act = CASES[name]
    page, golden = open_page(page_html(made_page()), color_scheme=scheme), GOLDENS / f"{name}.png"
    act(page)
    found = page.screenshot()
    if request.config.getoption("--update-goldens"):
        golden.write_bytes(found)
    mean, most = differences(found, golden.read_bytes())
    assert mean <= MEAN, f"{name}: {mean:.2f} in the mean; is it meant? --update-goldens keeps it"
    assert most <= MOST, f"{name}: {most:.1f} somewhere; is it meant? --update-goldens keeps it"


def shot(open_page: Open, html: str) -> bytes:
    return open_page(html, bypass_csp=True).screenshot()  # a changed style is another style


@pytest.mark.parametrize("font", ["DejaVu Sans", "Liberation Serif"])
def test_another_font_is_little_difference(open_page: Open, font: str) -> None:
    html = page_html(made_page())
    one, other = (shot(open_page, text) for text in (html, html.replace(palette.FONT, font)))
    assert one != other
    mean, most = differences(one, other)
    assert mean <= MEAN
    assert most <= MOST


def test_what_is_missing_is_a_difference(open_page: Open) -> None:
    made = made_page()
    diagram, trace, nothing = made.panels
    lacking = (
        page_html(replace(made, panels=(diagram, trace))),
        page_html(replace(made, panels=(replace(diagram, svg=""), trace, nothing))),
        page_html(replace(made, panels=(diagram, replace(trace, frames=()), nothing))),
        page_html(made).replace(f'fill="{palette.SCORE}"', 'fill="#ffffff"'),
    )
    whole = shot(open_page, page_html(made))
    for html in lacking:
        mean, most = differences(whole, shot(open_page, html))
        assert mean > MEAN
        assert most > MOST
