"""Which subgraph a node belongs to: by declaration, with mermaid's answer kept beside it."""

from __future__ import annotations

from pathlib import Path

from attn_dsl.diagnostics import Severity, Source
from attn_dsl.syntax import Diagram, parse, read_document

SEED = Path(__file__).parents[2] / "examples" / "attention.md"


def read(text: str) -> Diagram:
    return parse(Source("x", "flowchart TD\n" + text))


def homes(text: str) -> dict[str, str | None]:
    return {id: node.subgraph for id, node in read(text).nodes.items()}


def test_the_positional_encoding_stays_outside_the_repeated_block() -> None:
    block = read_document(f"{SEED}#4")
    diagram = parse(block.source, block.start, block.end)
    encoder = next(s for s in diagram.subgraphs if s.id == "EncoderBlock")
    assert diagram.nodes["E_PosEnc"].subgraph == "Encoder"
    assert "E_PosEnc" in encoder.nodes
    assert encoder.parent == "Encoder"
    notes = [w for w in diagram.warnings if "E_PosEnc" in w.message]
    assert [(note.code, note.severity) for note in notes] == [("W003", Severity.NOTE)]
    assert {diagram.nodes[id].subgraph for id in ("E_MHA", "E_Norm2")} == {"EncoderBlock"}
    assert diagram.nodes["EncOut"].subgraph == "Encoder"


def test_a_label_metadata_or_a_statement_of_its_own_declares() -> None:
    for declaration in ("X[label]", "X@{ op: matmul }", "X", "X & Z", "Y --> X[label]"):
        assert homes(f"subgraph S\n{declaration}\nend\nX --> Y")["X"] == "S", declaration


def test_declared_only_outside_and_mentioned_inside() -> None:
    assert homes("X[top]\nsubgraph S\nX --> Y\nend") == {"X": None, "Y": "S"}
    assert homes("subgraph S\nX --> Y\nend\nX[top]") == {"X": None, "Y": "S"}


def test_declared_nowhere_is_where_mermaid_draws_it() -> None:
    assert homes("subgraph S\nX --> Y\nend\nsubgraph T\nX --> Z\nend")["X"] == "S"


def test_declared_outside_and_inside_belongs_inside() -> None:
    assert homes("X[top]\nsubgraph S\nX[again]\nend")["X"] == "S"


def test_of_two_declaring_bodies_mermaids_choice_wins() -> None:
    text = "subgraph Outer\nX[one]\nsubgraph Inner\nX[two]\nend\nend"
    assert homes(text)["X"] == "Inner"
    assert read(text).warnings == ()


def test_nothing_is_said_where_both_rules_agree() -> None:
    assert read("subgraph S\nX[a] --> Y[b]\nend\nX --> Z").warnings == ()
