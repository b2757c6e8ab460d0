"""The drawing with types on its arrows, with subgraphs closed, and where it is large."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source, Span
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.render import (
    Picture,
    collapsed,
    drawn_links,
    edge_types,
    encode,
    layout,
    node_operations,
)
from attn_dsl.render.places import Spans
from attn_dsl.syntax import Diagram
from attn_dsl.views import Asked, diagram_picture, write_picture

EXAMPLES = Path(__file__).parents[2] / "examples"
Compile = Callable[[str], Compiled]


def test_arrows_have_the_types_of_their_values(compiled: Compile) -> None:
    found = compiled("causal.attn")
    types = edge_types(found.diagram, found.drawn)
    scores, rows = "f32[B, H, N, N]", "f32[B, H, N, D]"
    assert types == {
        "L_Q_S_0": rows,
        "L_K_S_0": rows,
        "L_S_Scale_0": scores,
        "L_Scale_Mask_0": scores,
        "L_Mask_P_0": scores,
        "L_P_O_0": scores,
        "L_V_O_0": rows,
        "L_O_Output_0": rows,
    }


def test_what_passes_through_keeps_its_type_and_modules_have_theirs() -> None:
    found = analyse(read(str(EXAMPLES / "attention.md#4")), {"N": 2, "heads": 2, "d_model": 16})
    types = edge_types(found.diagram, found.drawn)
    row = "f32[..., Input_length, d_model]"
    assert types["L_E_AddNorm1_Input_E_MHA_0"] == types["L_E_MHA_E_AddNorm1_Output_0"] == row
    assert set(types.values()) <= {str(s.type) for s in found.drawn.statements}


def test_members_of_a_family_have_no_type_of_the_whole(compiled: Compile) -> None:
    found = compiled("attention.md#1")
    assert "L_W1_WV1_0" not in edge_types(found.diagram, found.drawn)


def test_what_stands_inside_of_what() -> None:
    source = Source("a", "x" * 100)
    spans = [Span(source, 0, 90), Span(source, 10, 20), Span(source, 40, 60), Span(source, 0, 90)]
    found = Spans((span, str(number)) for number, span in enumerate(spans))
    assert found.around(Span(source, 50, 60)) == ["0", "2", "3"]
    assert found.around(Span(source, 12, 20)) == ["0", "1", "3"]
    assert found.around(Span(source, 15, 41)) == ["0", "3"]
    assert found.around(Span(source, 91, 92)) == []


def test_types_can_be_left_out() -> None:
    block = read(str(EXAMPLES / "causal.attn"))
    typed = diagram_picture(block, {}, Asked()).drawn
    plain = diagram_picture(block, {}, Asked(no_types=True)).drawn
    assert "f32[B, H, N, N]" in str(typed)
    assert "f32[" not in str(plain)


NESTED = """flowchart TD
    A[one] --> B
    subgraph Outer["The outer one"]
        B --> C
        B -- again --> C
        subgraph Inner
            C --> D --> E
        end
        E --> F
    end
    F --> G
    C --> G
    D --> G
    A --> G
    A --> G
    linkStyle 0,8 stroke:#f00
    linkStyle 3 stroke:#0f0
"""


def arrows(diagram: Diagram) -> list[tuple[str, str, str | None]]:
    return [(e.source, e.target, e.id) for e in diagram.edges]


def test_subgraphs_below_a_depth_are_boxes(diagram: Callable[[str], Diagram]) -> None:
    original = diagram(NESTED)
    shown, inside = collapsed(original, 1)
    assert list(shown.nodes) == ["A", "B", "F", "G", "Inner"]
    assert inside == dict.fromkeys(("C", "D", "E", "Inner"), "Inner")
    assert shown.nodes["Inner"].label.text == "Inner<br>3 boxes"
    assert shown.nodes["Inner"].subgraph == "Outer"
    assert arrows(shown) == [
        ("A", "B", "L_A_B_0"),
        ("B", "Inner", "L_B_C_0"),
        ("B", "Inner", "L_B_C_2"),
        ("Inner", "F", "L_E_F_0"),
        ("F", "G", "L_F_G_0"),
        ("Inner", "G", "L_C_G_0"),
        ("A", "G", "L_A_G_0"),
        ("A", "G", "L_A_G_2"),
    ]
    assert {n: css[0] for n, css in shown.link_styles.items()} == {"0": "stroke:#f00"}


def test_at_depth_0_the_outermost_are_boxes(diagram: Callable[[str], Diagram]) -> None:
    shown, _ = collapsed(diagram(NESTED), 0)
    assert list(shown.nodes) == ["A", "G", "Outer"]
    assert shown.nodes["Outer"].label.text == "The outer one<br>5 boxes"
    assert [(s, t) for s, t, _ in arrows(shown)] == [
        ("A", "Outer"),
        ("Outer", "G"),
        ("A", "G"),
        ("A", "G"),
    ]
    assert shown.subgraphs == ()


def test_deep_enough_all_are_open(diagram: Callable[[str], Diagram]) -> None:
    original = diagram(NESTED)
    shown, inside = collapsed(original, 2)
    assert not inside
    assert list(shown.nodes) == list(original.nodes)
    assert shown.link_styles == original.link_styles


def test_a_closed_subgraph_has_the_links_of_all_inside() -> None:
    text = (
        'flowchart TD\n Q(["Q : f32[N, D]"])\n K(["K : f32[M, D]"])\n V(["V : f32[M, D]"])\n'
        " subgraph Core\n S[MatMul] --> P[Softmax] --> O[MatMul]\n end\n"
        " Q --> S\n K --> S\n V --> O\n O --> Out([Out])\n"
    )
    picture = diagram_picture(read(text), {}, Asked(depth=0))
    assert set(picture.links["Core"]) == {"O/scores", "O/softmax", "O/values", "O"}
    assert "data-link" in encode(picture, "svg").decode()


def chain(count: int) -> str:
    names = [f"n{number}" for number in range(count)]
    boxes = "".join(f" {name}[ReLU]\n" for name in names)
    return f'flowchart TD\n x(["x : f32[N, D]"]) --> n0\n{boxes}' + "".join(
        f" {a} --> {b}\n" for a, b in pairwise(names)
    )


def test_two_thousand_boxes_are_drawn(tmp_path: Path) -> None:
    """Within a bound that only something quadratic would reach."""
    steps: list[str] = []
    begun = time.monotonic()
    path = tmp_path / "big.svg"
    write_picture(read(chain(2000)), path, "diagram", {}, step=steps.append)
    assert time.monotonic() - begun < 60
    assert steps == ["compiling", "drawing", "writing"]
    root = ElementTree.fromstring(path.read_bytes())
    nodes = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    assert len(nodes) == 2001


def test_what_is_too_much_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as raised:
        write_picture(read(chain(layout.MAX_NODES)), tmp_path / "big.svg", "diagram", {})
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "E084"
    assert "--depth" in str(diagnostic.help)
    assert list(tmp_path.iterdir()) == []


def test_a_process_of_its_own_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dot = "digraph { a -> b; b -> c }"
    here = encode(Picture(dot), "svg")
    monkeypatch.setattr(layout, "LARGE", 0)
    monkeypatch.setattr(layout, "LESS_EFFORT", {})
    assert encode(Picture(dot), "svg") == here


def test_that_process_takes_no_module_from_where_a_user_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("attn_dsl", "pygraphviz"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('not ours')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(layout, "LARGE", 0)
    assert encode(Picture("digraph { a }"), "svg").startswith(b"<?xml")


def test_what_that_process_cannot_draw_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout.sys, "executable", "/bin/false")
    monkeypatch.setattr(layout, "LARGE", 0)
    with pytest.raises(DiagnosticError, match="Graphviz cannot draw this"):
        encode(Picture("digraph { a }"), "svg")


@pytest.mark.parametrize(
    ("view", "asked", "message"),
    [
        ("graph", Asked(depth=1), "--depth is for --view diagram; this view is graph"),
        ("diagram", Asked(diff="all"), "--diff is for --view graph; this view is diagram"),
        ("graph", Asked(diff="nothing"), "there is no pass 'nothing'; passes are reroll"),
    ],
)
def test_what_a_view_cannot_be_asked(view: str, asked: Asked, message: str, tmp_path: Path) -> None:
    block = read(str(EXAMPLES / "causal.attn"))
    with pytest.raises(ValueError, match=message):
        write_picture(block, tmp_path / "a.svg", view, {}, asked=asked)
    assert list(tmp_path.iterdir()) == []


def test_members_that_are_modules_are_all_drawn_as_modules() -> None:
    found = analyse(read(str(EXAMPLES / "attention.md#3")), {"heads": 8})
    operations = node_operations(found.diagram, found.drawn)
    assert [operations[head] for head in ("Head1", "Head2", "HeadN")] == ["module"] * 3
    links = drawn_links(found.diagram, found.fused)
    assert links["Head1"] == links["Head2"] == links["HeadN"]


def test_a_type_is_said_once_for_all_arrows_of_a_box() -> None:
    block = read(str(EXAMPLES / "attention.md#3"))
    drawn = str(diagram_picture(block, {"heads": 8}, Asked()).drawn)
    labelled = [line for line in drawn.splitlines() if "-> Head" in line and "f32" in line]
    assert len(labelled) == 3


def test_a_module_of_two_types_has_neither_on_its_arrows(tmp_path: Path) -> None:
    (tmp_path / "parts.attn").write_text(
        "flowchart TD\n x([x])\n x --> high[Transpose]\n x --> wide[Tanh]\n", encoding="utf-8"
    )
    main = tmp_path / "main.attn"
    main.write_text(
        'flowchart TD\n x(["x : f32[N, M]"]) --> A["Use it"]@{ op: "./parts.attn" }\n'
        " A -- high --> h[ReLU]\n A -- wide --> w[ReLU]\n",
        encoding="utf-8",
    )
    found = analyse(read(main))
    types = edge_types(found.diagram, found.drawn)
    assert types == {"L_x_A_0": "f32[N, M]"}
