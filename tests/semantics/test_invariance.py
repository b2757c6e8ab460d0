"""What does not matter: ids, the order of lines, synonyms, nodes that pass values through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from attn_dsl.ir import Graph, Statement, evaluate, to_text
from attn_dsl.ir.ops import Input
from attn_dsl.pipeline import analyse, read

NODES = {
    "Q": ['"Q : f32[B, H, N, D]"'],
    "K": ['"K : f32[B, H, M, D]"'],
    "V": ['"V : f32[B, H, M, E]"'],
    "bias": ['"bias : f32[N, M]"'],
    "doc": ['"doc : i32[B, N]"'],
    "scores": ["MatMul", "Matrix Multiply", "matrix-multiplication", '"Dot Product"', "MatMul 1"],
    "scaled": ['"Scale by 1/√d_k"', "Scale", '"Scale: 1 / sqrt(D)"', '"Divide by √d"', "scaling"],
    "biased": ["Add", '"+"', "Plus", '"Add <br> Bias"'],
    "masked": ['"Mask: k <= q and doc[b, q] > 0"', '"mask: (k ≤ q) & (doc[b,q] &gt; 0)"'],
    "weights": ["Softmax", "SoftMax", '"Soft-Max"', "softmax"],
    "mixed": ["MatMul", "Matrix Multiply", "BMM"],
    "out": ["Output", '"Context vectors"'],
}
EDGES = [
    ("Q", "scores"),
    ("K", "scores"),
    ("scores", "scaled"),
    ("scaled", "biased"),
    ("bias", "biased"),
    ("biased", "masked"),
    ("doc", "masked"),
    ("masked", "weights"),
    ("weights", "mixed"),
    ("V", "mixed"),
    ("mixed", "out"),
]


@st.composite
def drawings(draw: st.DrawFn) -> str:
    """The same attention, drawn in one of many ways."""
    ids = {node: f"{draw(st.sampled_from('abxyz'))}{i}" for i, node in enumerate(NODES)}
    ids = draw(st.sampled_from([ids, {node: node for node in NODES}]))
    lines = []
    for node, labels in NODES.items():
        label = draw(st.sampled_from(labels))
        # the mask's expression names what it captures by NAME, which is not an id
        lines.append((node, f"{ids[node]}[{label}]"))
    for position, (source, target) in enumerate(EDGES):
        if draw(st.booleans()):
            between = f"between{position}"
            lines.append((target, f"{ids[source]} --> {between}(...) --> {ids[target]}"))
        else:
            lines.append((target, f"{ids[source]} --> {ids[target]}"))
    order = draw(st.permutations(range(len(lines))))
    # arrows into one node keep their order: it is the order of the operands
    slots: dict[str, list[str]] = {}
    for target, line in lines:
        slots.setdefault(target, []).append(line)
    shuffled = [slots[lines[i][0]].pop(0) for i in order]
    return "\n".join(["flowchart TD", *shuffled])


def anonymous(graph: Graph) -> str:
    """The text of `graph` with values and inputs numbered in order."""
    graph = graph.rename({s.name: f"v{i}" for i, s in enumerate(graph.statements)})
    statements = []
    for i, s in enumerate(graph.statements):
        op = replace(s.op, name=f"in{i}") if isinstance(s.op, Input) else s.op
        statements.append(Statement(s.name, op, s.type))
    outputs = tuple((f"out{i}", value) for i, (_, value) in enumerate(graph.outputs))
    return to_text(Graph("g", tuple(statements), outputs))


PLAIN = "\n".join(
    [
        "flowchart TD",
        *(f"{node}[{labels[0]}]" for node, labels in NODES.items()),
        *(f"{source} --> {target}" for source, target in EDGES),
    ]
)


@given(drawings())
@settings(max_examples=60, deadline=None)
def test_the_same_drawing_is_the_same_program(text: str) -> None:
    plain, other = analyse(read(PLAIN)), analyse(read(text))
    assert anonymous(other.drawn) == anonymous(plain.drawn)
    assert anonymous(other.fused) == anonymous(plain.fused)


@given(drawings())
@settings(max_examples=10, deadline=None)
def test_the_same_drawing_gives_the_same_numbers(text: str) -> None:
    random = np.random.default_rng(1)
    arrays = [
        random.normal(size=(2, 3, 5, 4)),
        random.normal(size=(2, 3, 5, 4)),
        random.normal(size=(2, 3, 5, 2)),
        random.normal(size=(5, 5)),
        random.integers(0, 2, (2, 5)).astype(np.int32),
    ]
    results = []
    for drawing in (PLAIN, text):
        graph = analyse(read(drawing)).fused
        by_type = {str(s.type): s.op.name for s in graph.inputs if isinstance(s.op, Input)}
        names = [
            by_type[t]
            for t in (
                "f32[B, H, N, D]",
                "f32[B, H, M, D]",
                "f32[B, H, M, E]",
                "f32[N, M]",
                "i32[B, N]",
            )
        ]
        (result,) = evaluate(graph, dict(zip(names, arrays, strict=True))).values()
        results.append(result)
    np.testing.assert_array_equal(results[0], results[1])


def test_operand_order_does_matter() -> None:
    declared = 'flowchart TD\nA["A : f32[N, N]"]\nB["B : f32[N, N]"]\n'
    square = declared + "{} & {} --> M[MatMul]\nA --> O[Add]\nM --> O"
    plain, other = (analyse(read(square.format(*order))) for order in ("AB", "BA"))
    assert anonymous(other.drawn) != anonymous(plain.drawn)
