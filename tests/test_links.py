"""Links: lines of source and boxes of a drawing say which part of the computation they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.links import link, part_mark, read_links, value_marks
from attn_dsl.pipeline import Compiled, analyse, lower, read
from attn_dsl.render import drawn_links
from attn_dsl.textbuilder import TextBuilder, unmarked
from attn_dsl.tile import Part, parts_of

EXAMPLES = Path(__file__).parents[1] / "examples"
NUMPY = {
    "scores": ["scores = query_tile", "key_tile = "],
    "scale": ["query_tile = Q"],
    "mask": ["np.copyto(scores", "k_end = min(N, q_last + 1)"],
    "softmax": ["weights = np.exp2(scores", "accumulator /= "],
    "values": ["accumulator[..., seen, :] += weights @ value_tile", "value_tile = "],
}
"""Lines of the NumPy source of the causal example, for each part of it."""
F32 = {
    "scores": ["// scores = query_tile key_tileᵀ", "shared.key_tile[row][d] ="],
    "scale": ["shared.query_tile[d][row] ="],
    "mask": ["const long long k_end = min(q_last + 1, N);", "if (k > q) scores[i][j]"],
    "softmax": ["float total[ROWS] = {};", "// Divide by the sum of the weights"],
    "values": ["// accumulator += weights value_tile", "shared.value_tile[row][d] ="],
}
BF16 = {
    "scores": ["// scores = query_tile key_tileᵀ", "return &K.at(b, h, first + row, 0);"],
    "scale": ["const float to_log2 = scale"],
    "mask": ["const long long whole_end = min(", "if (k > q) scores[i][j]"],
    "softmax": ["float total[ROWS] = {};", "weights[i][j] = exp2_approx(power);"],
    "values": ["// accumulator += weights value_tile", "return &V.at(b, h, first + row, 0);"],
}


def compiled(name: str, **settings: object) -> Compiled:
    return analyse(read(f"{EXAMPLES / name}"), settings)


@pytest.mark.parametrize(
    ("target", "dtype", "parts"),
    [("numpy", "f32", NUMPY), ("cuda", "f32", F32), ("cuda", "bf16", BF16)],
)
def test_lines_of_source_have_the_links_of_their_steps(
    target: str, dtype: str, parts: dict[str, list[str]]
) -> None:
    text = (EXAMPLES / "causal.attn").read_text(encoding="utf-8").replace("f32", dtype)
    program = lower(analyse(read(text)), target)
    lines = dict(enumerate(program.source.splitlines(), 1))
    for part, starts in parts.items():
        for start in starts:
            found = {n for n, line in lines.items() if line.strip().startswith(start)}
            assert found, start
            assert all(program.links[n] == (f"O/{part}",) for n in found), start
    if target == "cuda":
        return
    signature = next(n for n, line in lines.items() if line.startswith("def attention_O"))
    call = next(n for n, line in lines.items() if line.strip().startswith("O = attention_O("))
    assert program.links[signature] == program.links[call] == ("O",)


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_sources_keep_no_marks(target: str) -> None:
    for name in ("causal.attn", "variants/alibi.attn", "variants/documents.attn"):
        program = lower(compiled(name), target)
        assert unmarked(program.source) == (program.source, {})
        count = program.source.count("\n")
        assert all(1 <= line <= count for line in program.links)


def test_a_function_that_copies_share_is_linked_to_each() -> None:
    found = compiled("attention.md#4", N=2, heads=2, d_model=16)
    program = lower(found, "numpy")
    scores = {name for links in program.links.values() for name in links if "/scores" in name}
    fused = {s.name for s in found.fused.statements if s.op.mnemonic == "tiled_attention"}
    assert len(fused) == 6
    assert scores == {link(name, "scores") for name in fused}


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_every_link_of_a_source_is_one_of_the_graph(target: str) -> None:
    for path in sorted((EXAMPLES / "variants").glob("*.attn")):
        found = analyse(read(path))
        program = lower(found, target)
        values = {name.partition("/")[0] for links in program.links.values() for name in links}
        assert values <= found.fused.table.keys()
        computed = {s.name for s in found.fused.statements if s.op.mnemonic != "input"}
        assert computed <= values, path.name


@pytest.mark.parametrize("name", ["causal.attn", "variants/sigmoid.attn", "attention.md#1"])
def test_boxes_have_the_links_of_what_they_draw(name: str) -> None:
    found = compiled(name)
    links = drawn_links(found.diagram, found.fused)
    expected = {
        "causal.attn": {"S": "O/scores", "Mask": "O/mask", "P": "O/softmax", "Output": "O"},
        "variants/sigmoid.attn": {"S": "O/scores", "P": "O/score", "Shift": "O/score"},
        "attention.md#1": {"Q": "Q", "W1": "O_row/softmax", "S1": "O_row/scores", "O": "O"},
    }[name]
    for node, wanted in expected.items():
        assert wanted in links[node]
    assert "O" in links["O"]
    if name != "attention.md#1":
        assert links["Output"] == ("O",)


def test_parts_follow_the_order_of_the_computation() -> None:
    titles = ["MatMul", "Scale", "Score", "Mask (optional)", "Softmax", "Dropout", "MatMul"]
    words = ["scores", "scale", "score", "mask", "softmax", "values", "values"]
    assert [part.value for part in parts_of(titles)] == words
    unnormalized = ["MatMul", "Sigmoid", "MatMul"]
    assert [part.value for part in parts_of(unnormalized)] == ["scores", "score", "values"]
    assert parts_of([]) == []


def test_marks_go_with_their_lines() -> None:
    graph = compiled("causal.attn").fused
    inner, out = TextBuilder(), TextBuilder()
    with inner.about(part_mark(Part.MASK)):
        inner.line("a = 1")
        inner.line()
    inner.line("b = 2")
    out.line("head")
    with out.about(*value_marks(graph, ["O"])), out.block("while true:"):
        out.lines(inner.text.splitlines())
    text, links = read_links(out.text, graph.table)
    assert text == "head\nwhile true:\n    a = 1\n\n    b = 2\n"
    assert links == {2: ("O",), 3: ("O/mask",), 5: ("O",)}


def test_a_name_with_such_characters_of_its_own_is_no_link() -> None:
    text, links = read_links("x = '\U000f1234'\n", compiled("causal.attn").fused.table)
    assert text == "x = ''\n"
    assert links == {}
