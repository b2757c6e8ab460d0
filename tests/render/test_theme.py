"""Light and dark: every text can be read on its ground, and only our own colours change."""

from __future__ import annotations

import io
from itertools import product
from xml.etree import ElementTree

import pytest
from PIL import Image

from attn_dsl.render import Picture, Theme, draw, encode, palette
from attn_dsl.render.canvas import Canvas, Group, Label, Lines, Patches, Rect
from attn_dsl.render.colors import contrast
from attn_dsl.render.theme import themed_dot

GROUNDS = (
    *palette.FILLS.values(),
    palette.OTHER,
    palette.PLAIN,
    *palette.FRAMES,
    palette.FUSED,
    palette.ADDED,
    palette.REMOVED,
    *(palette.QUERY, palette.KEY, palette.VALUE, palette.OUTPUT, palette.SCORE),
)
MARKED = (
    *product(palette.CODE.values(), (palette.PLAIN, palette.FUSED)),
    (palette.FUSED_LINE, palette.FUSED),
    (palette.ADDED_LINE, palette.ADDED),
    (palette.REMOVED_LINE, palette.REMOVED),
    *product(
        (palette.INK,),
        (palette.QUERY_NOW, palette.KEY_NOW, palette.VALUE_NOW, palette.OUTPUT_NOW),
    ),
    (palette.INK, palette.SCORE_NOW),
    (palette.INK, palette.HIDDEN),
    (palette.INK, palette.HEAT),
)


def test_text_has_the_contrast_of_wcag_aa() -> None:
    pairs = [*product((palette.INK, palette.QUIET_INK), GROUNDS), *MARKED]
    for ink, ground in pairs:
        assert contrast(ink, ground) >= 4.5, (ink, ground)
        dark = palette.DARK[ink], palette.DARK[ground]
        assert contrast(*dark) >= 4.5, (ink, ground, dark)


def test_lines_are_seen() -> None:
    """Graphics that carry a meaning: 3 to 1."""
    for line in (palette.LINE, palette.FUSED_LINE):
        for ground in (palette.PLAIN, *palette.FRAMES):
            assert contrast(line, ground) >= 3
            assert contrast(palette.DARK[line], palette.DARK[ground]) >= 3


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


DOT = """digraph {
graph [bgcolor="#ffffff"]
a [fillcolor="#dcd5f3" fontcolor="#20242e" style=filled label="fillcolor=\\"#dcd5f3\\" #ffffff"]
b [class=authored fillcolor="#dcd5f3" style=filled]
}"""


def test_dark_colours_take_the_place_of_light_ones() -> None:
    dark = themed_dot(DOT, Theme.DARK)
    assert f'fillcolor="{palette.DARK["#dcd5f3"]}" fontcolor="{palette.DARK[palette.INK]}"' in dark
    assert f'bgcolor="{palette.DARK["#ffffff"]}"' in dark


def test_what_a_label_says_and_what_the_author_coloured_stays() -> None:
    dark = themed_dot(DOT, Theme.DARK)
    assert 'label="fillcolor=\\"#dcd5f3\\" #ffffff"' in dark
    assert 'b [class=authored fillcolor="#dcd5f3" style=filled]' in dark


@pytest.mark.parametrize("theme", Theme)
def test_svg_has_its_theme_as_a_style(theme: Theme) -> None:
    for picture in (Picture(DOT), Picture(CANVAS)):
        root = ElementTree.fromstring(encode(picture, "svg", theme))
        style = root.findtext("{http://www.w3.org/2000/svg}style") or ""
        assert ("prefers-color-scheme" in style) == (theme is Theme.AUTO)
        assert (palette.DARK[palette.INK] in style) == (theme is not Theme.LIGHT)


HOSTILE = 'a <script>alert("1")</script> & \\ "b" \x07 d_k'
CANVAS = Canvas(
    120,
    90,
    HOSTILE,
    HOSTILE,
    (
        Rect(10, 10, 40, 20, palette.QUERY, palette.GRID, dashed=True),
        Lines((((10, 50), (60, 50)), ((70, 80), (70, 20))), arrow=True),
        Patches(((80, 10, 9, 9), (90, 20, 9, 9)), palette.HIDDEN, opacity=0.5),
        Group((Label(60, 70, HOSTILE),), title=HOSTILE, kind="cell", data={"q": HOSTILE}),
    ),
)


@pytest.mark.parametrize("format", ["svg", "png", "pdf", "dot"])
@pytest.mark.parametrize("theme", Theme)
def test_a_canvas_is_drawn_in_every_format(format: str, theme: Theme) -> None:
    found = encode(Picture(CANVAS), format, theme)
    if format != "pdf":  # which has the time in it
        assert found == encode(Picture(CANVAS), format, theme)
    signature = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[format]
    assert found.startswith(signature)


def test_labels_are_text_whatever_they_say() -> None:
    said = 'a <script>alert("1")</script> & \\ "b" d_k'
    for picture in (Picture(CANVAS), Picture('digraph "a < b & c" { x [label="<script>"] }')):
        data = encode(picture, "svg")
        assert b"<script" not in data
        ElementTree.fromstring(data)
    root = ElementTree.fromstring(encode(Picture(CANVAS), "svg"))
    svg = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{svg}title") == root.findtext(f"{svg}desc") == said
    (text,) = root.iter(f"{svg}text")
    assert "".join(text.itertext()) == said.replace("d_k", "dk")
    (group,) = (g for g in root.iter(f"{svg}g") if g.get("class") == "cell")
    assert group.get("data-q") == said


def test_png_has_everything_in_its_place() -> None:
    """Also what comes after letters of several bytes."""
    label = Label(60, 50, "√Dₖ é √√√√")
    items = (Rect(0, 0, 20, 10, "#ff0000"), label, Rect(100, 80, 20, 10, "#0000ff"))
    data = encode(Picture(Canvas(120, 90, "t", "d", items)), "png")
    image = Image.open(io.BytesIO(data)).convert("RGB")
    scale = image.width / 120
    pixel = {at: image.getpixel((at[0] * scale, at[1] * scale)) for at in ((10, 5), (110, 85))}
    assert pixel == {(10, 5): (255, 0, 0), (110, 85): (0, 0, 255)}
    assert image.getpixel((10 * scale, 85 * scale)) == (255, 255, 255)


def test_a_canvas_makes_a_difference_in_png() -> None:
    empty = Canvas(120, 90, "t", "d", ())
    found = {encode(Picture(Canvas(120, 90, "t", "d", (item,))), "png") for item in CANVAS.items}
    assert len(found | {encode(Picture(empty), "png")}) == 5
    assert draw("digraph { a }", "png", Theme.DARK) == draw("digraph { a }", "png", Theme.DARK)
