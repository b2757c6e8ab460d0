"""Diagrams as DOT: one golden a case, and what each part of the look hangs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pygraphviz
import pytest

from attn_dsl.render import diagram_dot, node_operations, node_types
from attn_dsl.syntax import Diagram, parse, read_document

CASES = [Path(__file__).parent / "cases" / f"{name}.mmd" for name in ("edges", "styled")]
OPERATIONS = {
    **{"P": "matmul", "S": "scale", "W": "softmax", "O": "matmul"},
    **{"L_S_W_0": "mask", "L_K_P_0": "transpose"},
}
Parse = Callable[[str], Diagram]


def attributes(dot: str, node: str, *names: str) -> list[str]:
    graph = pygraphviz.AGraph(string=dot)  # nodes live as long as their graph
    return [graph.get_node(node).attr[name] for name in names]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_golden(case: Path, golden: Callable[[Path, str], None]) -> None:
    block = read_document(str(case))
    diagram = parse(block.source, block.start, block.end)
    golden(case.with_suffix(".dot"), diagram_dot(diagram, OPERATIONS, {"K": "f32[N, D]"}))


def test_classic_colours(compiled) -> None:
    found = compiled("scaled_dot_product_attention.attn")
    operations = node_operations(found.diagram, found.drawn)
    dot = diagram_dot(found.diagram, operations)
    fills = {
        id: attributes(dot, id, "fillcolor")[0] for id in ("MatMul", "Scale", "Mask", "SoftMax")
    }
    assert fills == {
        "MatMul": "#dcd5f3",
        "Scale": "#fcf0b5",
        "Mask": "#fad4de",
        "SoftMax": "#cfecc9",
    }
    assert (
        attributes(dot, "Q", "fillcolor") == attributes(dot, "Output", "fillcolor") == ["#ffffff"]
    )


def test_the_authors_style_wins(diagram: Parse) -> None:
    dot = diagram_dot(
        diagram(
            "flowchart TD\nA[MatMul]:::warm --> B[Scale]\nclassDef warm fill:gold\n"
            "style B fill:#012,stroke:red,stroke-width:4px,stroke-dasharray: 5 5\n"
        ),
        {"A": "matmul", "B": "scale"},
    )
    assert attributes(dot, "A", "fillcolor") == ["#ffd700"]
    assert attributes(dot, "B", "fillcolor", "color", "penwidth", "style") == [
        "#001122",
        "#ff0000",
        "4",
        "filled,rounded,dashed",
    ]


@pytest.mark.parametrize(
    ("css", "ink"),
    [
        ("fill:#114", "#ffffff"),
        ("fill:#eef", "#20242e"),
        ("fill:navy,color:#ff0", "#ffff00"),
        ("fill:no-such-colour", "#20242e"),
    ],
)
def test_text_is_readable_on_its_fill(diagram: Parse, css: str, ink: str) -> None:
    dot = diagram_dot(diagram(f"flowchart TD\nA --> B\nstyle A {css}\n"))
    assert attributes(dot, "A", "fontcolor") == [ink]


def test_types_stand_below_the_names_of_inputs(compiled) -> None:
    found = compiled("cross_attention.attn")
    dot = diagram_dot(found.diagram, {}, node_types(found.diagram, found.drawn))
    inputs = {statement.name: str(statement.type) for statement in found.drawn.inputs}
    for type_ in inputs.values():
        assert type_ in dot


def test_an_operation_on_an_arrow_is_a_box_on_it(diagram: Parse) -> None:
    drawn = diagram("flowchart TD\nK -->|Transpose| A\nQ -->|a note| A\n")
    graph = pygraphviz.AGraph(string=diagram_dot(drawn, {"L_K_A_0": "transpose"}))
    assert graph.has_edge("K", "L_K_A_0")
    assert graph.has_edge("L_K_A_0", "A")
    assert graph.get_edge("Q", "A").attr["label"].strip("\u00a0") == "a note"


def test_an_arrow_to_a_subgraph_ends_at_its_line(diagram: Parse) -> None:
    drawn = diagram(
        "flowchart TD\nA --> S\nsubgraph S\nB --> C\nend\nS --> E\nsubgraph E\nend\nB --> S\n"
    )
    graph = pygraphviz.AGraph(string=diagram_dot(drawn))
    assert graph.get_edge("A", "B").attr["lhead"] == "cluster_S"
    assert graph.get_edge("C", "E").attr["ltail"] == "cluster_S"
    assert "S" not in graph.nodes()
    assert graph.get_node("E").attr["label"] == "E"


def test_a_subgraph_across_the_direction_is_a_row(diagram: Parse) -> None:
    text = "flowchart TD\nsubgraph S\ndirection {}\nA --> B\nend\n{}"
    row = "rank=same"
    assert row in diagram_dot(diagram(text.format("LR", "X --> A\n")))
    assert row not in diagram_dot(diagram(text.format("TD", "X --> A\n")))
    assert row not in diagram_dot(diagram(text.format("LR", "A --> X --> B\n")))
