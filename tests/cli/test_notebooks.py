"""What a notebook shows: pictures of diagrams and kernels, tables of what was made of them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import attn_dsl as attn
from attn_dsl.render import Picture

CAUSAL = Path(__file__).parents[2] / "examples" / "causal.attn"
HOSTILE = """---
title: "a <script>alert(1)</script> & b"
---
flowchart LR
    x(["x : f32[N, M]"]) --> y[Softmax] --> z(["<b>z & "])
"""


def texts(svg: str) -> set[str]:
    root = ElementTree.fromstring(svg)
    return {"".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")}


def test_a_loaded_diagram_shows_its_drawing() -> None:
    drawing = attn.load(CAUSAL)
    assert {"MatMul", "Scale by 1/√dk", "Mask: k <= q", "Softmax"} <= texts(drawing._repr_svg_())


def test_a_kernel_shows_what_it_computes() -> None:
    shown = texts(attn.compile(CAUSAL)._repr_svg_())
    assert "Tiled attention O : f32[B, H, N, D]" in {" ".join(text.split()) for text in shown}
    assert "O = softmax(s) V" in shown


def test_views_are_pictures(tmp_path: Path) -> None:
    drawing = attn.load(CAUSAL, {"N": 4, "D": 4})
    for name in ("diagram", "graph", "fused", "tiles", "trace"):
        picture = drawing.view(name)
        assert isinstance(picture, Picture)
        assert picture._repr_svg_() == picture._repr_svg_()
        picture.save(tmp_path / f"{name}.png", theme="dark")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "f32" not in str(drawing.view(no_types=True).drawn)


def test_a_drawing_is_compiled_with_its_settings() -> None:
    kernel = attn.load(CAUSAL, {"D": 4}).compile()
    one = np.ones((1, 1, 3, 4), np.float32)
    np.testing.assert_allclose(kernel(one, one, one), one)


def test_an_explanation_is_the_text_and_a_table() -> None:
    explanation = attn.compile(CAUSAL).explain()
    assert explanation == attn.load(CAUSAL).explain()
    assert explanation.startswith("Causal attention\n")
    root = ElementTree.fromstring(f"<div>{explanation._repr_html_()}</div>")
    first, second = root.iter("table")
    rows = [["".join(cell.itertext()) for cell in row] for row in first.iter("tr")]
    assert rows[1:] == [
        *(["input", name, "f32[B, H, N, D]"] for name in "QKV"),
        ["output", "Output", "f32[B, H, N, D]"],
    ]
    _, (value, formula, absorbed, cost) = (
        ["".join(cell.itertext()) for cell in row] for row in second.iter("tr")
    )
    assert value == "O : f32[B, H, N, D]"
    assert "s = -inf unless k <= q" in formula
    assert absorbed.count("\n") == 4
    assert "120 full, 16 partial, 120 skipped" in cost


def test_what_did_not_fuse_says_why() -> None:
    explanation = attn.load(HOSTILE).explain()
    assert "not fused, because" in explanation._repr_html_()


def test_labels_are_text() -> None:
    drawing = attn.load(HOSTILE)
    html = drawing.explain()._repr_html_()
    assert "<script" not in html
    ElementTree.fromstring(f"<div>{html}</div>")
    for view in ("diagram", "graph", "fused"):
        assert "<script" not in drawing.view(view)._repr_svg_()


def test_what_cannot_be_asked() -> None:
    drawing = attn.load(CAUSAL)
    with pytest.raises(ValueError, match="there is no view 'nothing'; views are diagram, graph"):
        drawing.view("nothing")
    with pytest.raises(ValueError, match="--depth is for --view diagram; this view is fused"):
        drawing.view("fused", depth=1)
    with pytest.raises(TypeError, match="colour"):
        drawing.view("fused", colour="red")
    with pytest.raises(attn.DiagnosticError):
        attn.load("missing.attn")
    with pytest.raises(ValueError, match="purple"):
        drawing.view().save("x.svg", theme="purple")
