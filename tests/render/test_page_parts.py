"""The parts of a page: pictures within HTML, and coloured lines."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from attn_dsl.render import palette
from attn_dsl.render.page.highlight import CLASSES, colored_lines
from attn_dsl.render.page.inline import inline_svg
from attn_dsl.render.theme import both_rules

SVG = """<?xml version="1.0"?><!DOCTYPE svg><!-- a comment -->
<svg xmlns="http://www.w3.org/2000/svg"><title>A &amp; B</title><defs><g id="h"/></defs>
<g id="node1" class="node" data-link="O"><!-- b --><title>S</title>
<text>Mat</text><text>Mul</text></g>
<g data-link="Q"><title>the cell</title><rect fill="url(#h)"/><use href="#h"/></g></svg>"""


def test_a_picture_is_made_ready_for_html() -> None:
    found = inline_svg(SVG, "p")
    assert found.startswith("<svg")
    assert "<!--" not in found
    root = ElementTree.fromstring(found)
    assert (root.get("role"), root.get("aria-label")) == ("group", "A & B")
    buttons = [e for e in root.iter() if e.get("role") == "button"]
    assert [e.get("aria-label") for e in buttons] == ["Mat Mul", "the cell"]
    assert {e.get("id") for e in root.iter() if e.get("id")} == {"p-h", "p-node1"}
    assert "url(#p-h)" in found
    assert 'href="#p-h"' in found


def test_a_picture_without_links_is_an_image() -> None:
    found = inline_svg('<svg role="img"><title>T</title><rect/></svg>', "p")
    assert found == '<svg role="img"><title>T</title><rect/></svg>'


@pytest.mark.parametrize("text", ["", "\n", "a = 1", "a = 1\n", "\n\n  x\n\n", '"""a\nb"""\n# c\n'])
@pytest.mark.parametrize("language", ["python", "cuda", "text"])
def test_lines_are_those_of_the_text(text: str, language: str) -> None:
    lines = colored_lines(text, language)
    shown = "\n".join("".join(piece for _, piece in line) for line in lines)
    assert shown == text.removesuffix("\n")


def test_words_have_their_kind() -> None:
    (line,) = colored_lines('def f(x): return "s" + 12  # c', "python")
    kinds = {text.strip(): kind for kind, text in line if kind}
    assert kinds == {
        "def": "keyword",
        "f": "name",
        "return": "keyword",
        '"s"': "string",
        "12": "number",
        "# c": "comment",
    }
    assert set(CLASSES.values()) == set(palette.CODE)


def test_every_light_colour_has_its_dark_one_in_css() -> None:
    rules = both_rules("svg")
    for light, dark in palette.DARK.items():
        assert f'[fill="{light}"] {{ fill: light-dark({light}, {dark}) }}' in rules
