"""Drawings that use other files: paths, sizes, masks of their own, and what goes wrong there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import body, inputs, normal, operations, parameters

import attn_dsl
from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.pipeline import Compiled, analyse, read

X = 'x(["x : f32[..., N, E]"])\n'
BLOCK = """---
attn:
  parameters: {hidden: 8}
---
flowchart TD
x([x]) --> up[Linear]@{ out: hidden }
up --> act[ReLU] --> down[Linear]@{ out: d_model }
x & down --> sum[Add]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with drawings to be used."""
    texts = {
        "block": BLOCK,
        "outer": 'flowchart TD\nx --> B1["1st"]@{ op: "./sub/inner.attn" }\nB1 --> B2[Tanh]\n',
        "sub/inner": 'flowchart TD\nx --> B["b"]@{ op: "../block.attn", hidden: 5 }\n',
        "itself": 'flowchart TD\nx --> again["again"]@{ op: "./itself.attn" }\n',
        "sub/around": 'flowchart TD\nx --> a["a"]@{ op: "../sub/around.attn" }\n',
        "legend": "flowchart TD\nLegend\nx --> t[Tanh]\n",
        "stack": "---\nattn:\n  parameters: {layers: 2}\n---\nflowchart TD\nx\n"
        'subgraph B["Layer (repeated layers times)"]\nx --> l[Linear]\nend\nl --> t[Tanh]\n',
        "ping": 'flowchart TD\nx --> p["p"]@{ op: "pong.attn" }\n',
        "pong": 'flowchart TD\nx --> p["p"]@{ op: "ping.attn" }\n',
        "broken": "flowchart TD\nx -->\n",
        "none": "flowchart TD\nx[x]\n",
        "wrong": "flowchart TD\nx --> a[MatMul]\n",
        "typed": 'flowchart TD\nx(["x : f32[..., T, D]"]) --> s["Scale: 1/√D"]\n',
        "scaled": "flowchart TD\nq[Query]\nk[Key]\nq --> s[MatMul]\nk -- Transpose --> s\n"
        's --> c["Scale by 1/√d_k"]\n',
        "narrow": 'flowchart TD\nx(["x : f32[..., T, 4]"]) --> s[Tanh]\n',
        "window": "---\nattn:\n  parameters: {width: 3, k: 5}\n---\nflowchart TD\n"
        'S --> m["Mask: q - k < width"]\nm --> e["e = where(q < width, m, -inf)"]\n',
        "masked": "flowchart TD\nq[Query]\nk[Key]\npad[Mask]\nq --> s[MatMul]\n"
        "k -- Transpose --> s\ns & pad --> m[Mask] --> w[Softmax]\nw & k --> o[MatMul]\n",
    }
    (tmp_path / "sub").mkdir()
    for name, text in texts.items():
        (tmp_path / f"{name}.attn").write_text(text, encoding="utf-8")
    return tmp_path


def using(files: Path, module: str, data: str = "", text: str = "", **settings: Any) -> Compiled:
    """A drawing in `files` that uses `module` in its node A."""
    drawing = text or f"{X}x --> A[use it]"
    path = files / "main.attn"
    use = f'A@{{ op: "./{module}.attn"{data} }}'
    path.write_text(f"flowchart TD\n{drawing}\n{use}\n", encoding="utf-8")
    return analyse(read(path), {k.replace("__", "."): v for k, v in settings.items()})


def failure(files: Path, module: str, **settings: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        using(files, module, **settings)
    (error,) = [d for d in caught.value.diagnostics if d.code.startswith("E")]
    return error


def called(error: Diagnostic) -> list[tuple[str, str]]:
    """The places that led to an error: file and line of each."""
    spans = [note.span for note in error.notes if note.label == "called here"]
    return [(Path(s.source.name).name, s.text.split("[")[0]) for s in spans]


def test_a_file_beside_the_drawing(files: Path) -> None:
    found = using(files, "block")
    assert operations(found.drawn) == ["linear", "relu", "linear", "add"]
    assert parameters(found.drawn) == {
        "A.up.weight": "f32[8, E]",
        "A.up.bias": "f32[8]",
        "A.down.weight": "f32[E, 8]",
        "A.down.bias": "f32[E]",
    }


def test_paths_are_relative_to_the_file_that_names_them(files: Path) -> None:
    found = parameters(using(files, "outer").drawn)
    assert found["A.B1.B.up.weight"] == "f32[5, E]"


@pytest.mark.parametrize(
    ("data", "settings", "hidden"),
    [
        ("", {}, "8"),
        (", hidden: 12", {}, "12"),
        (', hidden: "3*d_model"', {}, "3*E"),
        ("", {"hidden": 6}, "6"),
        ("", {"A__hidden": 7, "hidden": 6}, "7"),
        (", hidden: 12", {"A__hidden": 7}, "7"),
    ],
)
def test_sizes_of_a_module(files: Path, data: str, settings: dict[str, int], hidden: str) -> None:
    """A setting at the path goes before the node's metadata."""
    found = using(files, "block", data, **settings)
    assert parameters(found.drawn)["A.up.bias"] == f"f32[{hidden}]"


@pytest.mark.parametrize("size", ["0", "-4", "1.5", "true", '"3*"', '"x[0]"', "[1]"])
def test_what_is_no_size(files: Path, size: str) -> None:
    error = failure(files, "block", data=f", hidden: {size}")
    assert error.code == "E045"
    assert error.span is not None
    assert error.span.text == f"hidden: {size}"


def test_a_module_s_own_symbols_are_what_it_is_given(files: Path) -> None:
    """Its D is the drawing's E, and no other D that the drawing may have."""
    text = f'{X}y(["y : f32[D]"]) --> t[Tanh]\nx --> A[use it]'
    kernel = attn_dsl.compile(using(files, "typed", text=text) and str(files / "main.attn"))
    x, y = normal(0, 3, 9), normal(1, 2)
    np.testing.assert_allclose(kernel(x=x, y=y)["A"], x / 3, atol=1e-6)


def test_an_undeclared_head_dim_is_that_of_the_module_s_own_product(files: Path) -> None:
    """The drawing may declare a `d_k` of its own."""
    found = using(files, "scaled", text=f'{X}y(["y : f32[d_k]"]) --> t[Tanh]\nx --> A[use it]')
    (scale,) = [line for line in body(found.drawn) if " = scale(" in line]
    assert 'factor="1 / sqrt(E)"' in scale


def test_a_declared_type_is_held_against_what_comes(files: Path) -> None:
    error = failure(files, "narrow")
    assert error.code == "E038"
    assert "`x` is f32[..., T, 4], and is given f32[..., N, E]" in error.message
    assert [note.label for note in error.notes] == ["declared here"]


def test_a_mask_is_an_argument(files: Path) -> None:
    keep = 'keep(["keep : bool[N, N]"])'
    for arrows in ("keep -- Mask --> A\nx --> A", "keep -- pad --> A\nx --> A"):
        found = using(files, "masked", text=f"{X}{keep}\n{arrows}")
        assert inputs(found.drawn) == {"x": "f32[..., N, E]", "keep": "bool[N, N]"}
        assert operations(found.fused) == ["tiled_attention"]


def test_a_node_without_arrows_is_no_input(files: Path) -> None:
    assert operations(using(files, "legend").drawn) == ["tanh"]


@pytest.mark.parametrize(
    ("data", "settings", "count"),
    [("", {}, 2), (", layers: 3", {}, 3), ("", {"layers": 4}, 4), ("", {"A__layers": 5}, 5)],
)
def test_a_count_is_a_parameter(
    files: Path, data: str, settings: dict[str, int], count: int
) -> None:
    found = using(files, "stack", data, **settings)
    assert list(parameters(found.drawn))[::2] == [f"A.B.{i}.l.weight" for i in range(count)]


@pytest.mark.parametrize("name", ["itself", "ping", "sub/around"])
def test_a_module_that_includes_itself(files: Path, name: str) -> None:
    error = failure(files, name)
    assert error.code == "E049"
    chain = {"itself": "itself.attn → itself.attn", "ping": "ping.attn → pong.attn → ping.attn"}
    assert chain.get(name, "around.attn → around.attn") in error.message
    assert called(error)[-1] == ("main.attn", "A")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("missing", "E001", "missing.attn` cannot be read"),
        ("broken", "E012", "leads nowhere"),
        ("none", "E050", "`none.attn` gives no value"),
        ("wrong", "E033", "`MatMul` takes two values"),
    ],
)
def test_what_goes_wrong_inside(files: Path, name: str, code: str, words: str) -> None:
    """The error stands where the mistake is, and shows the place of the call."""
    error = failure(files, name)
    assert error.code == code
    assert words in error.message
    at_call = error.span is not None and error.span.text.startswith("A")
    assert at_call or called(error) == [("main.attn", "A")]


def test_a_module_that_changes_is_read_again(files: Path) -> None:
    assert operations(using(files, "block").drawn)[1] == "relu"
    path = files / "block.attn"
    path.write_text(BLOCK.replace("ReLU", "Tanh"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert operations(using(files, "block").drawn)[1] == "tanh"


def test_sizes_of_a_module_are_no_indices(files: Path) -> None:
    text = "{}S --> A[use it]"
    drawn = text.format('S(["S : f32[N, M]"])\n')
    masks = [f'{{keep="q - k < {n}"}} : f32[N, M]' for n in (3, 9)]
    assert body(using(files, "window", text=drawn).drawn)[0].endswith(masks[0])
    assert body(using(files, "window", ", width: 9", drawn).drawn)[0].endswith(masks[1])
    assert "q < 3" in body(using(files, "window", text=drawn).drawn)[1]
    with pytest.raises(DiagnosticError) as caught:
        using(files, "window", ", width: k", text.format('S(["S : f32[N, k]"])\n'))
    assert [d.code for d in caught.value.diagnostics] == ["E037", "E037"]
