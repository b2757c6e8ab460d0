"""A browser for the tests of pages: Debian's Chromium, which each worker starts once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window. `.ci/run` sees to it that there is one."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as play:
        yield play.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """`open_page(html)` shows a page from a file, in a context with the options given.

    A page that says anything on the console, opens a dialog or asks for anything fails the test.
    """
    contexts: list[Any] = []
    found: list[str] = []

    def show(html: str, **options: Any) -> Page:
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1400, "height": 900}} | options)
        )
        page = contexts[-1].new_page()
        page.on("console", lambda message: found.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (found.append("dialog"), dialog.dismiss()))
        page.on("request", lambda r: found.append(r.url) if r.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert [what for what in found if not what.startswith("data:")] == []
