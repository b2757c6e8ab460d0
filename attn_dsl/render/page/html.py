"""A page as HTML text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from attn_dsl.render.page.highlight import colored_lines
from attn_dsl.render.page.inline import inline_svg
from attn_dsl.render.page.page import Listing, Page, Panel
from attn_dsl.render.page.style import page_style
from attn_dsl.render.theme import Theme


def page_html(page: Page, theme: Theme = Theme.AUTO, *, live: str = "", error: str = "") -> str:
    """HTML that stands alone: styles, scripts and pictures are in it.

    `theme` is that of a reader who has not chosen one. A `live` page, of this version, listens
    for later ones at `/events`; `error` is shown above the pictures, letter for letter.
    """
    scripts = [_asset("page.js"), *([_asset("live.js")] if live else [])]
    style = page_style()
    template = _environment().get_template("page.html")
    return template.render(
        page=page,
        theme="" if theme is Theme.AUTO else theme.value,
        live=live,
        error=error,
        panels=[_panel(panel) for panel in page.panels],
        sources=[_listing(listing) for listing in page.sources],
        policy=_policy(style, scripts, connect="'self'" if live else "'none'"),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
    )


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"sort_keys": False}  # numbers stay in their order
    return found


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, scripts: list[str], connect: str) -> str:
    """What a browser lets the page do: its own style and scripts, and no requests."""
    rules = {
        "default-src": "'none'",
        "style-src": _digest(style),
        "script-src": " ".join(map(_digest, scripts)),
        "img-src": "data:",
        "connect-src": connect,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _panel(panel: Panel) -> Mapping[str, Any]:
    return {
        "id": panel.id,
        "title": panel.title,
        "note": panel.note,
        "nouns": "|".join(panel.nouns),
        "svg": Markup(inline_svg(panel.svg, panel.id)) if panel.svg else "",
        "frames": [
            {"label": frame.label, "at": frame.at, "values": dict(frame.values)}
            for frame in panel.frames
        ],
    }


def _listing(listing: Listing) -> Mapping[str, Any]:
    lines = colored_lines(listing.text, listing.language) if listing.text else []
    return {
        "title": listing.title,
        "note": listing.note,
        "lines": [
            {
                "number": number,
                "pieces": pieces,
                "links": " ".join(listing.links.get(number, ())),
                "text": "".join(text for _, text in pieces).strip(),
            }
            for number, pieces in enumerate(lines, start=listing.first)
        ],
    }
