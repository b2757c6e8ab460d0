"""What the statements add up to, where mermaid's answer has no say."""

from __future__ import annotations

from attn_dsl.diagnostics import Source
from attn_dsl.syntax import Diagram, parse


def read(text: str) -> Diagram:
    return parse(Source("x", "flowchart TD\n" + text))


def test_styles_and_classes() -> None:
    diagram = read(
        "A --> B:::hot\nstyle A fill:#bbf,stroke:#333\nstyle A color:red\n"
        "classDef hot,cold fill:#f00,stroke-dasharray: 5 5\n"
        "class A,B cold\nlinkStyle 0 stroke:#f00\n"
    )
    assert diagram.styles == {"A": ("fill:#bbf", "stroke:#333", "color:red")}
    assert diagram.class_styles["cold"] == ("fill:#f00", "stroke-dasharray: 5 5")
    assert diagram.nodes["B"].classes == ("hot", "cold")
    assert diagram.nodes["A"].classes == ("cold",)
    assert diagram.link_styles == {"0": ("stroke:#f00",)}


def test_edges_from_and_into() -> None:
    diagram = read("A & B --> C --> D")
    assert [edge.source for edge in diagram.edges_into("C")] == ["A", "B"]
    assert [edge.target for edge in diagram.edges_from("C")] == ["D"]


def test_data_of_nodes_edges_and_subgraphs() -> None:
    diagram = read(
        "A@{ op: matmul }\nA@{ axis: -1 }\nA e1@--> B\ne1@{ role: lhs }\n"
        "subgraph S\nC\nend\nS@{ repeat: 3 }\n"
    )
    assert diagram.nodes["A"].data.values == {"op": "matmul", "axis": -1}
    assert diagram.edges[0].data.values == {"role": "lhs"}
    assert diagram.subgraphs[0].data.values == {"repeat": 3}
    assert "e1" not in diagram.nodes


def test_data_of_a_subgraph_counts_even_before_it() -> None:
    diagram = read("S@{ repeat: 3 }\nsubgraph S\nC\nend")
    assert diagram.subgraphs[0].data.values == {"repeat": 3}
    assert [warning.code for warning in diagram.warnings] == ["W005"]


def test_a_later_label_replaces_an_earlier_one() -> None:
    node = read("A[one] --> B\nA(two)").nodes["A"]
    assert (node.label.text, node.shape) == ("two", "round")
    assert node.span.text == "A[one]"


def test_header_directions() -> None:
    directions = {"TD": "TB", "LR": "LR", "<": "RL", ">": "LR", "^": "BT", "v": "TB", "": "TB"}
    for written, read_as in directions.items():
        assert parse(Source("x", f"graph {written}\nA")).direction == read_as


def test_subgraphs_are_listed_as_they_are_opened() -> None:
    diagram = read("subgraph Outer\ndirection LR\nsubgraph Inner\nA\nend\nend")
    assert [(s.id, s.parent, s.direction) for s in diagram.subgraphs] == [
        ("Outer", None, "LR"),
        ("Inner", "Outer", None),
    ]
