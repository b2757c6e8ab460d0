"""The typed graph as a picture: as it was drawn, after the passes, and what a pass changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pygraphviz
import pytest

from attn_dsl.cost_notes import cost_notes, picture_sizes
from attn_dsl.diagnostics import Source
from attn_dsl.ir import Graph
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.render import Picture, encode
from attn_dsl.render.graphs import (
    Change,
    Network,
    compared,
    network_dot,
    network_mermaid,
    network_of,
)
from attn_dsl.syntax import parse
from attn_dsl.views import Asked, network_picture, picture_of

EXAMPLES = Path(__file__).parents[2] / "examples"
VARIANTS = sorted((EXAMPLES / "variants").glob("*.attn"))
Compile = Callable[[str], Compiled]


def fused(found: Compiled) -> Network:
    return network_of(found.fused, found.diagram.direction, {})


@pytest.mark.parametrize("name", ["causal.attn", "self_attention.attn", "attention.md#2"])
def test_every_statement_has_a_box_and_every_use_an_arrow(name: str, compiled: Compile) -> None:
    graph = compiled(name).drawn
    network = network_of(graph, "TB", {})
    assert {box.id for box in network.boxes} == {
        *graph.table,
        *(f"output {label}" for label, _ in graph.outputs),
    }
    uses = {(name, s.name) for s in graph.statements for name in s.op.operands}
    uses |= {(value, f"output {label}") for label, value in graph.outputs}
    assert {(arrow.source, arrow.target) for arrow in network.arrows} == uses
    for box in network.boxes:
        if box.id in graph.table:
            assert any(str(graph.types[box.id]) in line for line in box.details)


def test_a_frame_holds_what_was_absorbed(compiled: Compile) -> None:
    found = compiled("scaled_dot_product_attention.attn")
    (frame,) = fused(found).frames
    assert [box.words[0] for box in frame.boxes] == [
        *("MatMul", "Scale", "Mask (optional)", "Softmax", "MatMul")
    ]
    assert frame.title == "Tiled attention  Weighted : f32[B, H, N, D]"
    assert "s = Q Kᵀ · 1 / √D" in frame.notes
    into = {(a.source, a.target) for a in fused(found).arrows}
    assert {("Q", "Weighted 0"), ("K", "Weighted 0"), ("V", "Weighted 4")} <= into
    assert {("Mask_bias", "Weighted 2"), ("Mask_keep", "Weighted 2")} <= into
    assert ("Weighted 4", "output Output") in into


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_all_variants_are_drawn(path: Path) -> None:
    found = analyse(read(path))
    network = fused(found)
    known = {box.id for box in network.all_boxes}
    assert {end for a in network.arrows for end in (a.source, a.target)} <= known
    remarks = [remark.value for remark in found.remarks if remark.fused]
    assert {frame.id for frame in network.frames} == set(remarks)
    drawn = pygraphviz.AGraph(string=network_dot(network))
    assert {f"cluster_{name}" for name in remarks} == {s.name for s in drawn.subgraphs()}


def test_the_first_of_several_products_takes_the_queries(compiled: Compile) -> None:
    network = fused(compiled("variants/latent.attn"))
    (frame,) = network.frames
    assert [box.words[0] for box in frame.boxes][:3] == ["MatMul", "MatMul", "Add"]
    assert ("Q_and_Q_rope", "O 0") in {(a.source, a.target) for a in network.arrows}


def test_parameters_stand_in_the_box_of_their_operation() -> None:
    text = 'flowchart LR\n x(["x : f32[N, E]"]) --> L[Linear] --> y([y])\n'
    graph = analyse(read(text)).drawn
    network = network_of(graph, "LR", {})
    assert [box.words[0] for box in network.boxes] == ["x", "Linear", "y"]
    (linear,) = [box for box in network.boxes if box.kind == "linear"]
    assert [line.split()[0] for line in linear.details[1:]] == ["linear", "bias"]


def changes(network: Network) -> dict[Change, set[str]]:
    found: dict[Change, set[str]] = {change: set() for change in Change}
    for box in network.boxes:
        found[box.change].add(box.words[0])
    return found


def test_a_difference_has_what_went_what_came_and_what_stayed(compiled: Compile) -> None:
    found = compiled("causal.attn")
    network = compared((found.drawn, {}), (found.fused, {}), "TB", "")
    assert changes(network) == {
        Change.REMOVED: {"Transpose", "MatMul", "Scale", "Mask", "Softmax"},
        Change.ADDED: {"Tiled attention"},
        Change.NONE: {"Q", "K", "V", "Output"},
    }
    added = {(a.source, a.target) for a in network.arrows if a.change is Change.ADDED}
    assert added == {("Q", "+O"), ("K", "+O"), ("V", "+O"), ("+O", "output Output")}
    for text in (network_dot(network), network_mermaid(network)):
        assert "+ Tiled attention" in text
        assert "\N{MINUS SIGN} Softmax" in text


def test_a_pass_that_changes_nothing_shows_nothing_changed(compiled: Compile) -> None:
    graph = compiled("causal.attn").drawn
    network = compared((graph, {}), (graph, {}), "TB", "")
    assert {box.change for box in network.boxes} == {Change.NONE}
    assert {arrow.change for arrow in network.arrows} == {Change.NONE}


def test_costs_are_those_of_explain(compiled: Compile) -> None:
    found = compiled("causal.attn")
    sizes = picture_sizes(found.fused, found.settings.dims)
    assert sizes == {"B": 1, "H": 8, "N": 1024, "D": 64}
    notes = cost_notes(found.fused, sizes)
    assert notes["O"] == ("1.14 GFLOP, 39.8 MB moved", "unfused 277 MB moved")
    drawn = cost_notes(found.drawn, sizes)
    product = 2 * 8 * 1024 * 1024 * 64
    assert drawn["S"] == (f"{product / 1e9:.2f} GFLOP, 37.7 MB moved",)
    moved = 4 * (2 * 8 * 1024 * 64 + 8 * 1024 * 1024)
    assert f"{moved / 1e6:.1f} MB" in drawn["S"][0]
    assert drawn["P"] == (f"{4 * 2 * 8 * 1024 * 1024 / 1e6:.1f} MB moved",)


def test_sizes_that_nothing_tells_have_defaults() -> None:
    text = 'flowchart LR\n x(["x : f32[B, N, E]"]) --> L[Linear] --> y([y])\n'
    graph = analyse(read(text)).drawn
    assert picture_sizes(graph, {"B": 3}) == {"B": 3, "N": 1024, "E": 64}


@pytest.mark.parametrize("name", ["causal.attn", "cross_attention.attn", "attention.md#2"])
def test_mermaid_has_the_same_boxes(name: str, compiled: Compile) -> None:
    found = compiled(name)
    for graph in (found.drawn, found.fused):
        network = network_of(graph, found.diagram.direction, {})
        text = network_mermaid(network)
        again = parse(Source("again.mmd", text), 0, len(text))
        assert len(again.nodes) == len(network.all_boxes)
        assert len(again.edges) == len(network.arrows)
        assert [len(s.nodes) for s in again.subgraphs] == [len(f.boxes) for f in network.frames]


def test_boxes_carry_their_links(compiled: Compile) -> None:
    found = compiled("causal.attn")
    svg = encode(network_picture(found, found.fused), "svg").decode()
    for name in ("Q", "O/scores", "O/scale", "O/mask", "O/softmax", "O/values O"):
        assert f'data-link="{name}"' in svg


def test_hostile_names_are_text(compiled: Compile) -> None:
    graph = compiled("causal.attn").fused
    hostile = Graph('a <b> & "c"', graph.statements, (('<script> & "x" \\N', "O"),))
    network = network_of(hostile, "TB", {"O": ("<i> & 1 < 2",)}, 'at <B> & "1"')
    svg = encode(Picture(network_dot(network)), "svg")
    assert b"<script" not in svg
    assert b"&lt;script&gt; &amp; " in svg


def test_the_difference_of_one_pass_is_its_own() -> None:
    block = read(EXAMPLES / "variants" / "latent.attn")
    shown = {
        name: str(picture_of(block, "graph", {}, Asked(diff=name)).drawn)
        for name in ("join-scores", "fuse-attention", "all")
    }
    added = {name: {"Concatenate", "Tiled attention"} for name in shown}
    for name, words in added.items():
        added[name] = {word for word in words if f"+ {word}" in shown[name]}
    assert added == {
        "join-scores": {"Concatenate"},
        "fuse-attention": {"Tiled attention"},
        "all": {"Concatenate", "Tiled attention"},
    }
