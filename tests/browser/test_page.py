"""Pages in a browser: what lights up, by mouse and by key; steps, tabs, zoom and themes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made import HOSTILE, SIZE, made_page

from attn_dsl.render import Theme
from attn_dsl.render.page import Listing, page_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
LIT = "[...document.querySelectorAll('.lit')].map((e) => e.getAttribute('aria-label'))"
FOCUS = "document.activeElement.getAttribute('aria-label')"


def status(page: Page) -> str:
    return page.locator("#lit").inner_text()


def test_pointing_lights_what_shares_a_name(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    hint = status(page)
    page.get_by_label("Softmax 1").hover()
    cells = {f"Softmax q{q} k{k}" for q in range(SIZE) for k in range(SIZE)}
    lit = page.evaluate(LIT)
    assert set(lit) == {"Softmax 1", *cells, 'line 2: scores = Q @ "text" + 12'}
    assert len(lit) == len(set(lit))
    assert status(page) == "Softmax 1: 1 box in Diagram, 9 parts in Trace, 1 line in NumPy"
    page.get_by_label("Softmax 2").hover()
    assert set(page.evaluate(LIT)) == {
        "Softmax 2",
        "Softmax 3",
        "line 4: return scores",
        "line 8: second",
    }
    page.mouse.move(1, 1)
    assert page.evaluate(LIT) == []
    assert status(page) == hint


def test_what_is_lit_has_an_outline_and_the_rest_is_paler(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    page.get_by_label("Softmax 1").hover()
    style = "(e) => [getComputedStyle(e).strokeWidth, getComputedStyle(e).opacity]"
    assert page.locator("[aria-label='Softmax 1'] rect").evaluate(style) == ["2.6px", "1"]
    assert page.locator("[aria-label='Softmax 0'] rect").evaluate(style) == ["1px", "0.35"]
    text = page.locator("[aria-label='Softmax 0'] text")
    assert text.evaluate("(e) => getComputedStyle(e).opacity") == "1"


def test_a_click_keeps_it_and_escape_lets_go(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    page.get_by_label("Softmax 0").click()
    kept = page.evaluate(LIT)
    assert kept == ["Softmax 0", "line 8: second"]
    page.get_by_label("Softmax 1").hover()
    assert page.evaluate(LIT) == kept
    assert status(page).startswith("Kept: Softmax 0: ")
    assert page.get_by_label("Softmax 0").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.evaluate(LIT) == []
    assert page.get_by_label("Softmax 0").get_attribute("aria-pressed") == "false"
    page.get_by_label("Softmax 1").click()
    page.get_by_label("Softmax 1").click()
    page.get_by_label("Softmax 0").hover()
    assert page.evaluate(LIT) == kept


def test_tab_goes_from_panel_to_panel_and_arrows_within(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    seen = []
    for _ in range(9):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(f"{FOCUS} ?? document.activeElement.textContent"))
    assert seen == [
        "Skip to the pictures",
        "Theme: system",
        "100 % of Diagram",
        "Softmax 0",
        "100 % of Trace",
        "Softmax q0 k0",
        "Step of Trace",
        "NumPy",
        'line 2: scores = Q @ "text" + 12',
    ]
    assert page.evaluate(LIT)[-1] == seen[-1]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS) == "line 4: return scores"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS) == "line 4: return scores"
    page.keyboard.press("Enter")
    assert page.get_by_label("line 4").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "line 4: return scores"  # where it was


def test_arrows_go_where_they_point(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    page.get_by_label("Softmax q0 k0").focus()
    for key, cell in (
        ("ArrowRight", "q0 k1"),
        ("ArrowDown", "q1 k1"),
        ("ArrowLeft", "q1 k0"),
        ("ArrowUp", "q0 k0"),
        ("ArrowUp", "q0 k0"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(FOCUS) == f"Softmax {cell}"


def test_the_slider_steps(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    now = "[...document.querySelectorAll('.now')].map((e) => e.dataset.at)"
    assert page.evaluate(now) == ["q0 k0"]
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(now) == ["q0 k2"]
    said = page.locator("output").inner_text().split()
    assert said == ["query", "0,", "keys", "to", "2", "of", "Softmax", "maximum", "0.2"]
    slider = page.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "query 0, keys to 2 of Softmax"
    filled = "(e) => getComputedStyle(e).fill"
    cells = page.locator(".cell rect")
    assert cells.nth(2).evaluate(filled) != cells.nth(0).evaluate(filled)
    page.keyboard.press("End")
    assert page.evaluate(now) == ["q2 k2"]


def test_tabs_show_one_listing_at_a_time(open_page: Open) -> None:
    page = open_page(page_html(made_page()))
    page.get_by_role("tab", name="Text").click()
    assert page.locator(".listing:visible").inner_text().split() == ["Softmax", "second"]
    page.keyboard.press("ArrowRight")
    assert page.locator(".listing:visible").inner_text() == "needs Softmax"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "NumPy"
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "NumPy"


def test_a_kept_line_is_scrolled_to(open_page: Open) -> None:
    """Within its listing: the page stays where it is."""
    made = made_page()
    far = Listing("Long", "text", "\n".join(map(str, range(1, 400))), {300: ("O",)})
    html = page_html(replace(made, sources=(far,)))
    page = open_page(html, reduced_motion="reduce")
    shown = "document.querySelector('.listing').scrollTop"
    page.get_by_label("Softmax 3").hover()
    assert page.evaluate(shown) == 0
    page.get_by_label("Softmax 3").click()
    assert page.evaluate(shown) > 3000
    assert page.get_by_label("line 300").is_visible()
    assert page.evaluate("scrollY") == 0


def test_zoom_shows_a_picture_in_its_own_size(open_page: Open) -> None:
    page = open_page(page_html(made_page()), viewport={"width": 260, "height": 500})
    width = "document.querySelector('#diagram svg').getBoundingClientRect().width"
    assert page.evaluate(width) < 260
    button = page.get_by_role("button", name="100 % of Diagram")
    button.click()
    assert page.evaluate(width) == 260
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.evaluate(width) < 260


GROUND = "getComputedStyle(document.querySelector('.panel')).backgroundColor"
FILL = "getComputedStyle(document.querySelector('#diagram g g rect')).fill"
DARK = {GROUND: "rgb(20, 23, 29)", FILL: "rgb(43, 82, 48)"}
LIGHT = {GROUND: "rgb(255, 255, 255)", FILL: "rgb(207, 236, 201)"}


@pytest.mark.parametrize(("scheme", "colors"), [("light", LIGHT), ("dark", DARK)])
def test_the_theme_is_the_readers_until_one_is_chosen(
    open_page: Open, scheme: str, colors: dict[str, str]
) -> None:
    page = open_page(page_html(made_page()), color_scheme=scheme)
    button = page.locator("#theme")
    for said, wanted in (
        ("Theme: system", colors),
        ("Theme: light", LIGHT),
        ("Theme: dark", DARK),
        ("Theme: system", colors),
        ("Theme: light", LIGHT),
    ):
        assert button.inner_text() == said
        assert {what: page.evaluate(what) for what in wanted} == wanted
        button.click()
    page.reload()
    assert button.inner_text() == "Theme: dark"
    assert page.evaluate(GROUND) == DARK[GROUND]


def test_a_page_has_a_theme_of_its_own(open_page: Open) -> None:
    page = open_page(page_html(made_page(), Theme.DARK))
    assert page.evaluate(FILL) == DARK[FILL]


def test_labels_are_text_whatever_they_say(open_page: Open) -> None:
    """No dialog opens, and nothing is loaded: the fixture sees to that."""
    page = open_page(page_html(made_page(HOSTILE), error=HOSTILE))
    assert page.title() == f"Made of {HOSTILE}"
    assert page.locator("h1").inner_text() == f"Made of {HOSTILE}"
    assert page.locator("img").count() == 0
    assert page.locator("#alert pre").inner_text() == HOSTILE
    assert page.locator("#trace .note").inner_text() == HOSTILE
    assert HOSTILE in page.locator("output").inner_text()
    page.locator("#diagram [data-link]").first.hover()
    assert status(page).startswith(f"{HOSTILE} 0: 1 box in Diagram")
    assert page.locator(".line .comment").inner_text() == f"# {HOSTILE}"


def test_a_page_forbids_all_requests(browser: Browser, tmp_path: Path) -> None:
    """Also those that its own scripts would make."""
    path = tmp_path / "page.html"
    path.write_text(page_html(made_page()), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    asked = "fetch('data:,').then(() => 'sent', () => 'refused')"
    assert page.evaluate(asked) == "refused"
    page.close()
