"""Pages for every reader: names for all that can be reached, contrast, narrow screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made import made_page

from attn_dsl.page import make_page
from attn_dsl.pipeline import read
from attn_dsl.render.page import page_html

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
EXAMPLES = Path(__file__).parents[2] / "examples"
CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def causal() -> str:
    """The page of an example, with an error above it."""
    made = make_page(read(EXAMPLES / "causal.attn"), {"D": 64, "N": 5})
    return page_html(made, error="error: attn[E038]: shapes do not fit")


@dataclass(frozen=True)
class Low:
    """A text that can hardly be read, and its contrast."""

    text: str
    contrast: float


def too_low(page: Page) -> list[Low]:
    found = page.evaluate(CONTRASTS)
    assert len(found) > 20, "there is text"
    return [Low(text, contrast) for text, contrast in found if contrast < 4.5]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(open_page: Open, causal: str, scheme: str) -> None:
    for html in (causal, page_html(made_page())):
        page = open_page(html, color_scheme=scheme)
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert too_low(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_while_parts_are_lit(open_page: Open, causal: str, scheme: str) -> None:
    page = open_page(causal, color_scheme=scheme)
    page.locator("#diagram [data-link]").nth(4).click()
    assert page.locator(".lit").count() > 2
    assert too_low(page) == []
    page.locator("#fused [data-link]").nth(3).hover()
    assert too_low(page) == []


def test_the_check_of_contrast_sees_what_is_low(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    page.locator("#diagram text").first.evaluate("(e) => { e.style.fill = '#9a9a9a' }")
    page.locator("h1").evaluate("(e) => { e.style.color = '#999999' }")
    page.locator(".note").first.evaluate("(e) => { e.style.opacity = .4 }")
    assert [low.text for low in too_low(page)] == ["Made of Softmax", "Softmax", "Softmax"]


def test_all_that_can_be_reached_has_a_name(open_page: Open, causal: str) -> None:
    page = open_page(causal)
    reached = page.locator("[tabindex], button, input, a")
    assert reached.count() > 30
    for name in reached.evaluate_all(
        "(all) => all.map((e) => e.ariaLabel ?? e.getAttribute('aria-labelledby') ?? e.innerText)"
    ):
        assert name
        assert name.strip()
    tree = page.locator("body").aria_snapshot()
    assert '- button "MatMul"' in tree
    assert "- tabpanel" in tree
    assert '- region "Fused graph"' in tree
    assert "- alert" in tree
    assert "- banner" in tree
    assert "- main" in tree


def test_headings_and_language(open_page: Open, causal: str) -> None:
    page = open_page(causal)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [320, 700, 1100, 2400])
def test_the_page_is_never_wider_than_the_screen(open_page: Open, causal: str, width: int) -> None:
    page = open_page(causal, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for panel in page.locator(".panel").all():
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] > 200


def test_focus_is_seen(open_page: Open, causal: str) -> None:
    page = open_page(causal)
    for _ in range(9):
        page.keyboard.press("Tab")
        seen = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(seen) == "solid"


def test_the_skip_link_comes_into_view_and_leads_to_the_pictures(
    open_page: Open, causal: str
) -> None:
    page = open_page(causal)
    link = page.get_by_role("link", name="Skip to the pictures")
    page.keyboard.press("Tab")
    box = link.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "100 % of Diagram"


def test_a_printed_page_has_all_listings(open_page: Open, causal: str) -> None:
    page = open_page(causal)
    page.emulate_media(media="print")
    assert page.locator(".listing:visible").count() == page.locator(".listing").count() == 4
    assert page.locator("#theme").is_hidden()
