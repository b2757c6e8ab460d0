"""Which nodes 1, 2, … are one node with an axis, and which only look like it."""

from __future__ import annotations

import pytest
from drawn import body, codes, compiled, inputs, operations, remarked
from hypothesis import given
from hypothesis import strategies as st
from support import examples
from test_basic_attention import per_token

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import to_text
from attn_dsl.pipeline import analyse, read
from attn_dsl.semantics.drawing import read_drawing
from attn_dsl.semantics.families import collapse_families
from attn_dsl.syntax import parse

INDICES = ("1", "2", "N")
PICTURE = per_token(*INDICES)
STEMS = ("K", "S", "V", "W", "WV")


def families(text: str) -> dict[str, str | int]:
    """The families of a drawing by stem, with their sizes."""
    block = read(f"flowchart TD\n{text}")
    drawing = collapse_families(read_drawing(parse(block.source, block.start, block.end), []))
    return {d.family.stem: d.family.size for d in drawing.values() if d.family is not None}


def test_the_picture_has_five_families() -> None:
    assert families(PICTURE) == dict.fromkeys(STEMS, "N")


@pytest.mark.parametrize(
    ("indices", "size"),
    [
        ("1 2", 2),
        ("1 2 3 4", 4),
        ("1 N", "N"),
        ("1 2 3 T", "T"),
        ("2 1", 2),
        ("N 2 1", "N"),
        ("_1 _2 _N", "N"),
    ],
)
def test_sizes(indices: str, size: str | int) -> None:
    assert families(per_token(*indices.split())) == dict.fromkeys(STEMS, size)


@pytest.mark.parametrize(
    ("labels", "alike"),
    [
        ("Scale by 1/√d, Scale by 1/√d, Scale by 1/√d", True),
        ("Scale 1 by 1/√d, Scale 2 by 1/√d, Scale N by 1/√d", True),
        ("Key 1, Key 2, Key N", True),
        ("Token 1 of 1 <br> Key, Token 2 of 1 <br> Key, Token N of 1 <br> Key", True),
        ("a1 (first), a2 (first), aN (first)", True),
        ("Key 1, Key 1, Key 1", True),
        ("Key 1, Key 2, Key M", False),
        ("Key 1, Key 3, Key N", False),
        ("Key 2, Key 2, Key N", False),
        ("Norm 1, Norm 2, Norm", False),
    ],
)
def test_labels_differ_in_the_index_alone(labels: str, alike: bool) -> None:
    members = zip("12N", labels.split(", "), strict=True)
    text = "\n".join(f'x{i} --> a{i}["{label}"] --> O[Sum]' for i, label in members)
    assert ("a" in families(text)) is alike


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("[Linear]@{ out: 3 }", "[Linear]@{ out: 3 }", True),
        ("[Linear]@{ out: 3 }", "[Linear]@{ out: 4 }", False),
        ("[Linear]@{ out: 3 }", "[Linear]", False),
        ("[Linear]@{ bias: false }", "[Linear]@{ bias: true }", False),
        ("[Linear]@{ shape: rect }", "[Linear]@{ shape: circle }", True),
        ("@{ op: softmax }", '@{ op: "Soft-Max" }', True),
        ("[Softmax]@{ axis: -2 }", "[Softmax]", False),
        ('["Mask: k < 3"]', '["Mask: k < 4"]', False),
        ('["Mask: k<3"]', '["Mask: k < 3"]', True),
        ('["Mask: k < u1"]', '["Mask: k < u2"]', True),
        ('["Mask: k < u1"]', '["Mask: k < u1"]', False),
        ('["y1 = 2 * x1"]', '["y2 = 2 * x2"]', True),
        ('["y1 = 2 * x1"]', '["y2 = 3 * x2"]', False),
        ("[Mask]", '["Mask (opt.)"]', False),
        ("[Causal Mask]", "[Mask]", False),
    ],
)
def test_what_members_do_is_compared(first: str, second: str, alike: bool) -> None:
    """By what their labels and metadata mean; how a box looks does not count."""
    text = f"x1 --> y1{first} --> O[Sum]\nx2 --> y2{second} --> O\nu1 --> y1\nu2 --> y2"
    assert ("y" in families(text)) is alike


@pytest.mark.parametrize(
    "arrow",
    ["x2 -- Transpose --> O", "x2 -- Query --> O", "x2 --> O\nx2 --> O", "x2 --> P[ReLU]"],
)
def test_arrows_out_are_compared(arrow: str) -> None:
    """What happens on the way, and how often a value is taken."""
    assert families("a1 --> x1[Tanh] --> O[Sum]\na2 --> x2[Tanh] --> O") == {"a": 2, "x": 2}
    assert families(f"a1 --> x1[Tanh] --> O[Sum]\na2 --> x2[Tanh]\n{arrow}") == {}


@pytest.mark.parametrize("word", ["MatMul", "Subtract", "Divide"])
def test_the_two_sides_of_an_operation_are_no_family(word: str) -> None:
    """What one and two are to it is not the same; a sum does not tell them apart."""
    typed = "\n".join(f'x{i}(["x{i} : f32[D, D]"])' for i in "12")
    found = compiled(f"{typed}\nx1 & x2 --> y[{word}]")
    assert inputs(found.drawn) == {"x1": "f32[D, D]", "x2": "f32[D, D]"}
    assert inputs(compiled(f"{typed}\nx1 & x2 --> y[Add]").drawn) == {"x": "f32[2, D, D]"}


def test_members_that_an_expression_calls_by_name_are_no_family() -> None:
    typed = "\n".join(f'x{i}(["x{i} : f32[D]"]) --> y' for i in "12")
    found = compiled(f'{typed}\ny["y = x1 / x2"]')
    assert inputs(found.drawn) == {"x1": "f32[D]", "x2": "f32[D]"}
    assert operations(found.drawn) == ["divide"]


def test_two_spellings_of_one_index_are_two_nodes() -> None:
    assert families("x1 --> O[Sum]\nx_1 --> O\nx2 --> O") == {}


def test_bare_ids_say_what_members_are() -> None:
    """`K1` alone is a key, as `Key 1` would be."""
    found = compiled(
        "\n".join(
            f"Q(Query) & K{i} --> S{i}[MatMul] --> W{i}[Softmax]\n"
            f"W{i} & V{i} --> P{i}[Multiply] --> O[Sum]"
            for i in INDICES
        )
    )
    assert inputs(found.drawn) == {
        "Q": "f32[..., D]",
        "K": "f32[..., N, D]",
        "V": "f32[..., N, Dv]",
    }


@pytest.mark.parametrize(
    "indices", ["1", "N", "1 3", "1 3 N", "0 1", "2 3", "N M", "1 2 N M", "a b"]
)
def test_what_is_no_row_of_indices(indices: str) -> None:
    """A single one, gaps, a start elsewhere than at 1, letters that are not the last."""
    assert families(per_token(*indices.split())) == {}


@pytest.mark.parametrize(
    "change",
    [
        ("S2(Score 2)", "S2(Distance 2)"),  # another label
        ("S2(Score 2)", "S2(Score 3)"),  # another index
        ("W2 -- Multiply --> WV2", "W2 -- Add --> WV2"),  # another operation
        ('"Similarity(Q, K2)"', '"Similarity(K2, Q)"'),  # another order of operands
        ("V2 --> WV2", "V1 --> WV2"),  # another member's value
        ("WV2 -- Sum --> O", "WV2 -- Sum --> O\nW2 --> T[Tanh]"),  # one used elsewhere
    ],
    ids=["label", "index", "operation", "order", "partner", "use"],
)
def test_one_that_differs_takes_all_with_it(change: tuple[str, str]) -> None:
    assert change[0] in PICTURE
    assert families(PICTURE.replace(*change)) == {}


@pytest.mark.parametrize("dots", ["…", "...", "⋮"])
def test_dots_between_members_are_no_mistake(dots: str) -> None:
    assert remarked(compiled(f"{PICTURE}\ndots({dots})")) == []
    assert remarked(compiled(f"{PICTURE}\nrest(The rest)")) == ["W021"]


def test_a_node_called_like_the_stem_keeps_its_name() -> None:
    assert "S" not in families(f"{PICTURE}\nO --> S[Tanh]")


def test_what_is_drawn_beside_is_no_part_of_it() -> None:
    """Uses of the sum, and nodes that are families of their own, change nothing."""
    more = "O --> T1[Tanh] --> T2[Tanh]\nO --> R[ReLU]"
    assert families(f"{PICTURE}\n{more}") == dict.fromkeys(STEMS, "N")


def test_layers_one_after_the_other_are_no_family() -> None:
    text = 'x(["x : f32[N, E]"]) --> Norm1[Norm] --> Up1[Tanh] --> Norm2[Norm] --> Up2[Tanh]\n'
    found = compiled(text)
    assert operations(found.drawn) == ["layer_norm", "tanh", "layer_norm", "tanh"]
    assert [label for label, _ in found.drawn.outputs] == ["Up2"]


def test_a_declared_type_is_that_of_one_member() -> None:
    typed = "\n".join(f'K{i}(["Key {i}"])@{{ type: "f32[..., 8]" }}' for i in INDICES)
    found = compiled(f"{typed}\n{PICTURE}".replace("Q(Query)", 'Q(["Q : f32[..., 8]"])'))
    assert inputs(found.drawn)["K"] == "f32[..., N, 8]"
    assert operations(found.fused) == ["row", "tiled_attention", "vector"]


def test_an_operation_without_a_rule_is_an_error() -> None:
    assert codes(PICTURE.replace("Multiply", "Transpose")) == ["E033"]
    assert codes(PICTURE.replace("-- Sum -->", "-- Multiply -->")) == ["E053"]


@st.composite
def pictures(draw: st.DrawFn) -> str:
    """The same picture with other ids, and its lines in another order."""
    stems = draw(st.permutations(["A", "Bb", "key_", "x", "Zz"]))
    text = PICTURE
    for i, stem in enumerate(sorted(STEMS, key=len, reverse=True)):
        for index in INDICES:
            text = text.replace(f"{stem}{index}", f"@{i}@{index}")
        text = text.replace(f"@{i}@", f"<{i}>")
    for i, stem in enumerate(stems):
        text = text.replace(f"<{i}>", stem)
    lines, title = text.splitlines(), next(x for x in text.splitlines() if "Softmax" in x)
    start = lines.index(title)
    group = "\n".join(lines[start : start + len(INDICES) + 2])  # the subgraph stays in one piece
    rest = lines[:start] + lines[start + len(INDICES) + 2 :]
    arrows = [line for line in rest if "-->" in line and "--> " in line]
    boxes = [line for line in rest if line not in arrows]
    # members, and the arrows into different nodes, in any order: products commute here
    return "\n".join([*draw(st.permutations([*boxes, group])), *_by_member(draw, arrows)])


def _by_member(draw: st.DrawFn, arrows: list[str]) -> list[str]:
    pairs = [arrows[i : i + 2] for i in range(0, len(arrows), 2)]
    return [line for pair in draw(st.permutations(pairs)) for line in pair]


@given(pictures())
@examples(25)
def test_names_and_order_do_not_matter(text: str) -> None:
    plain, other = body(compiled(PICTURE).fused), analyse(read(f"flowchart TD\n{text}"))
    assert operations(other.fused) == ["row", "tiled_attention", "vector"]
    assert [line.split(" : ")[1] for line in body(other.fused)] == [
        line.split(" : ")[1] for line in plain
    ]
    assert "tiled_attention" in to_text(other.fused)


def note(text: str) -> str:
    """What is said of nodes that look like a family, in a drawing that is wrong without it."""
    with pytest.raises(DiagnosticError) as caught:
        compiled(text)
    return " ".join(d.message for d in caught.value.diagnostics if d.code == "N023")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("S2(Score 2)", "S2(Distance)"), "`S1`, `S2`, `SN`"),
        (("S2(Score 2)", "S2(Distance)"), "the label of `S2` is another"),
        (("W2 -- Multiply --> WV2", "W2 -- Add --> WV2"), "`WV2` does something else"),
        (("V1 --> WV1", "V2 --> WV1"), "what flows into `WV1` is not alike"),
        (("V1 --> WV1", "V1 --> WV1\nW1 --> T[Tanh]"), "`W1` is used elsewhere"),
        (("V1 --> WV1", "V1 --> WV1\nO --> K[Tanh]"), "there is a node of that name"),
    ],
)
def test_why_it_is_none(change: tuple[str, str], reason: str) -> None:
    assert reason in note(PICTURE.replace(*change))


def test_families_are_not_suspected() -> None:
    """What falls because something else does is not said."""
    found = note(PICTURE.replace("-- Sum -->", "-- Multiply -->"))
    assert found == ""


def test_why_indices_are_no_row() -> None:
    assert "not numbered 1, 2, … without a gap" in note(per_token("1", "3", "N"))
    assert "can have a letter" in note(per_token("1", "M", "N"))


def test_layers_with_numbers_are_not_suspected() -> None:
    wrong = 'x(["x : f32[N, E]"]) --> Norm1[Norm 1] --> Norm2[Norm 2] --> M[MatMul]'
    assert note(wrong) == ""
