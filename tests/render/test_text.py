"""Text in pictures: what a label says is what is shown, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.diagnostics import Source
from attn_dsl.render import diagram_dot, draw
from attn_dsl.render.labels import split_indices, to_lines
from attn_dsl.syntax import Diagram, parse

SVG = "{http://www.w3.org/2000/svg}"


def texts(diagram: Diagram) -> list[str]:
    root = ElementTree.fromstring(draw(diagram_dot(diagram), "svg"))
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("Masked Multi-Head <br> Self-Attention", ("Masked Multi-Head", "Self-Attention")),
        ("a<br/>b<BR>c", ("a", "b", "c")),
        ("Scale by 1/√d_k", ("Scale by 1/√d_k",)),
        ("Scale by 1/âˆšd_k", ("Scale by 1/√d_k",)),
        ("Q K^T and x<sub>i</sub> and 10<sup>2</sup>", ("Q K^T and x_i and 10^2",)),
        ("W_q, d_model, E_MHA, my_name", ("W_q, d_model, E_MHA, my_name",)),
        ("<b>bold</b> <i>text</i>", ("bold text",)),
        ("<script>alert(1)</script>", ("<script>alert(1)</script>",)),
    ],
)
def test_lines(label: str, lines: tuple[str, ...]) -> None:
    assert to_lines(label) == lines


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("#lt;script#gt;x#lt;/script#gt;", "<script>x</script>"),
        (r"\N \G \l \n", r"\N \G \l \n"),
        ("#quot;quoted#quot; & #amp;lt; {a|b} <>", '"quoted" & &lt; {a|b} <>'),
        ("#lt;b", "<b"),
    ],
)
def test_nothing_in_a_label_has_a_meaning(
    written: str, shown: str, diagram: Callable[[str], Diagram]
) -> None:
    drawn = diagram(
        f'flowchart TD\nsubgraph S["{written}"]\nA["{written}"] -->|"{written}"| B\nend\n'
    )
    assert [text.strip("\u00a0") for text in texts(drawn)].count(shown) == 3


@examples(40)
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1))
def test_any_text_makes_a_picture(text: str) -> None:
    entities = "".join(f"#{ord(char)};" for char in text)
    source = Source("test.mmd", f'flowchart TD\nA["x{entities}x"] -->|"{entities}x"| B\n')
    diagram = parse(source, 0, len(source.text))
    line = "".join(piece for piece, _ in split_indices(to_lines(f"x{text}x")[0]))
    assert line in texts(diagram)


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("√d_k", ["√d", "k:SUB"]),
        ("q = x W_q", ["q = x W", "q:SUB"]),
        ("Q K^T / √d_model", ["Q K", "T:SUP", " / √d", "model:SUB"]),
        ("E_MHA, my_name, a_b_c, _x, x_", ["E_MHA, my_name, a_b_c, _x, x_"]),
    ],
)
def test_indices_are_set_small(
    line: str, pieces: list[str], diagram: Callable[[str], Diagram]
) -> None:
    found = [f"{text}:{mark}".rstrip(":") for text, mark in split_indices(line) if text]
    assert found == pieces
    shown = "".join(piece.partition(":")[0] for piece in pieces)
    drawn = diagram(f'flowchart TD\nA["{line}"] -->|"{line}"| A\n')
    assert [text.strip("\u00a0") for text in texts(drawn)] == [shown, shown]


def test_types_are_set_small(diagram: Callable[[str], Diagram]) -> None:
    drawn = diagram('flowchart TD\nQ(["Q : f16[B, N, D]"]) --> A["note: not a type"]\n')
    root = ElementTree.fromstring(draw(diagram_dot(drawn), "svg"))
    sizes = {text.text: text.get("font-size") for text in root.iter(f"{SVG}text")}
    del sizes["\u00a0"]
    assert sizes == {"Q": "12.00", "f16[B, N, D]": "9.00", "note: not a type": "12.00"}
