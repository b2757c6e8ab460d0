"""Modules that give several values: which of them an arrow takes, and what goes round in copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import attention, normal, operations, remarked

import attn_dsl
from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Source
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.semantics.drawing import read_drawing
from attn_dsl.semantics.families import collapse_families
from attn_dsl.semantics.modules import interfaces
from attn_dsl.syntax import parse

X = 'x(["x : f32[..., N, E]"])\n'
USE = 'A["Use it"]@{ op: "./parts.attn" }\nx --> A\n'
PARTS = """flowchart TD
x([x])
x --> sum["S = x + x"]
x --> norm[Tanh]
x --> r[ReLU] --> Key["Keys of x"]
"""
REVERSIBLE = """flowchart TD
%% Gomez et al. 2017, equation 1, with tanh and ReLU for the residual functions.
x1([x1])
x2([x2])
x2 --> f[Tanh]
x1 & f --> sum["Y1 = x1 + f"]
sum --> g[ReLU]
x2 & g --> y2["Y2 = x2 + g"]
sum --> first["Y1"]
"""

Draw = Callable[[str], Compiled]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Read a drawing, without its header, that stands beside `parts` and `reversible`."""
    (tmp_path / "parts.attn").write_text(PARTS, encoding="utf-8")
    (tmp_path / "reversible.attn").write_text(REVERSIBLE, encoding="utf-8")

    def drawn(text: str) -> Compiled:
        path = tmp_path / "main.attn"
        path.write_text(f"flowchart TD\n{X}{text}\n", encoding="utf-8")
        return analyse(read(path))

    return drawn


def run(found: Compiled, **arrays: Any) -> Any:
    return attn_dsl.pipeline.load(found, "numpy")(**arrays)


def errors(draw: Draw, text: str) -> list[Diagnostic]:
    with pytest.raises(DiagnosticError) as caught:
        draw(text)
    return [d for d in caught.value.diagnostics if d.code.startswith("E")]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("S", lambda x: x + x),
        ("sum", lambda x: x + x),
        ("s", lambda x: x + x),
        ("norm", np.tanh),
        ("Key", lambda x: np.maximum(x, 0)),
        ("Keys of x", lambda x: np.maximum(x, 0)),
        ("keys of <br> x", lambda x: np.maximum(x, 0)),
        ("K", lambda x: np.maximum(x, 0)),
    ],
)
def test_an_arrow_takes_the_output_that_it_names(draw: Draw, label: str, expected: Any) -> None:
    """By its id, its NAME or its label, even one that is an operation's word elsewhere."""
    found = draw(f'{USE}A -- "{label}" --> y')
    assert remarked(found) == []
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(found, x=x), expected(x), atol=1e-6)


def test_a_label_can_be_of_an_output_and_of_an_input(draw: Draw) -> None:
    """`Key` takes the output and brings it to the key; where they differ, `as` says both."""
    x = normal(0, 5, 4)
    double, tanh, relu = x + x, np.tanh(x), np.maximum(x, 0)
    found = draw(f"{USE}A -- Key --> B[Attention]\nA -- S --> B\nA -- norm --> B")
    np.testing.assert_allclose(run(found, x=x), attention(double, relu, tanh, 0.5), atol=1e-6)
    text = 'A -- "Key as Query" --> B[Attention]\nA -- "norm as Key & Value" --> B'
    found = draw(USE + text)
    assert remarked(found) == []
    np.testing.assert_allclose(run(found, x=x), attention(relu, tanh, tanh, 0.5), atol=1e-6)


def test_what_is_done_on_the_way_follows_as(draw: Draw) -> None:
    found = draw(f'{USE}A -- "S as Transpose" --> y\n')
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(found, x=x), 2 * x.T, atol=1e-6)


def test_expressions_know_an_output_by_its_name(draw: Draw) -> None:
    found = draw(f'{USE}A -- S --> y["y = S - norm"]\nA -- norm --> y')
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(found, x=x), 2 * x - np.tanh(x), atol=1e-6)


def test_a_call_that_nobody_uses_gives_all(draw: Draw) -> None:
    x = normal(0, 3, 4)
    found = run(draw(USE), x=x)
    assert list(found) == ["A.S", "A.norm", "A.Key"]
    np.testing.assert_allclose(found["A.norm"], np.tanh(x), atol=1e-6)
    np.testing.assert_allclose(found["A.S"], 2 * x, atol=1e-6)


def test_outputs_that_differ_in_a_number(draw: Draw, tmp_path: Path) -> None:
    text = 'flowchart TD\nx([x])\nx --> f["Part 1"]@{ op: tanh }\nx --> g["Part 2"]@{ op: relu }\n'
    (tmp_path / "parts.attn").write_text(text, encoding="utf-8")
    assert operations(draw(f"{USE}A -- Part 1 --> y").drawn) == ["tanh"]
    assert operations(draw(f"{USE}A -- part 2 --> y").drawn) == ["relu"]
    (error,) = errors(draw, f"{USE}A -- Part --> y")
    assert error.code == "E050"


def test_what_is_not_taken_is_not_computed(draw: Draw) -> None:
    assert operations(draw(f"{USE}A -- norm --> y[ReLU]").drawn) == ["tanh", "relu"]


def test_outputs_through_a_module_around(draw: Draw, tmp_path: Path) -> None:
    """Each value is an output of the module that takes it, and has its name there."""
    around = 'flowchart TD\nx([x])\nx --> P["P"]@{ op: "./parts.attn" }\nP -- S --> s[ReLU]\n'
    (tmp_path / "around.attn").write_text(f"{around}P -- norm --> t[Tanh]\n", encoding="utf-8")
    found = draw('x --> A["Around"]@{ op: "./around.attn" }\nA -- t --> y')
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(found, x=x), np.tanh(np.tanh(x)), atol=1e-6)


@pytest.mark.parametrize(
    ("arrow", "place", "help"),
    [
        ("A --> y[ReLU]", "-->", "label the arrow with its name: `-- S -->`"),
        ("A -- Query --> y[Attention]", "Query", '`-- "S as Query" -->`'),
        ("A -- nrm --> y[ReLU]", "nrm", "did you mean `norm`?"),
        ('A -- "norm as Key" --> y[Attention]\nA --> y', "-->", "`-- S -->`"),
    ],
)
def test_an_arrow_has_to_say_which(draw: Draw, arrow: str, place: str, help: str) -> None:
    (error,) = errors(draw, USE + arrow)
    assert error.code == "E050"
    assert "`A` gives `S`, `norm`, `Key`" in error.message
    assert error.span is not None
    assert error.span.text == place
    assert help in error.help


def test_a_module_inside_that_changes_is_read_again(draw: Draw, tmp_path: Path) -> None:
    """The one around it knows what it gives: of one value, `norm` is an operation again."""
    around = 'flowchart TD\nx([x])\nx --> P["P"]@{ op: "./parts.attn" }\nP -- norm --> t[ReLU]\n'
    (tmp_path / "around.attn").write_text(around, encoding="utf-8")
    text = 'x --> A["Around"]@{ op: "./around.attn" }\nA --> y'
    assert operations(draw(text).drawn) == ["tanh", "relu"]
    (tmp_path / "parts.attn").write_text("flowchart TD\nx([x])\nx --> b[Linear]\n", "utf-8")
    found = analyse(read(tmp_path / "main.attn"))
    assert operations(found.drawn) == ["linear", "layer_norm", "relu"]


def test_outputs_of_one_name_are_called_by_their_ids(draw: Draw, tmp_path: Path) -> None:
    text = 'flowchart TD\nx([x])\nx --> a["y = x + x"]\nx --> b["y = x * x"]\n'
    (tmp_path / "parts.attn").write_text(text, encoding="utf-8")
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(draw(f"{USE}A -- b --> y"), x=x), x * x, atol=1e-6)
    (error,) = errors(draw, f"{USE}A -- y --> z")
    assert (error.code, "`A` gives `a`, `b`" in error.message) == ("E050", True)


def test_one_type_for_several_values(draw: Draw) -> None:
    (error,) = errors(draw, 'x --> A["A : f32[N, E]"]@{ op: "./parts.attn" }')
    assert (error.code, "declares one type" in error.message) == ("E043", True)


def test_the_name_of_the_only_output_is_no_comment(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "parts.attn").write_text("flowchart TD\nx([x])\nx --> y[Tanh]\n", "utf-8")
    for arrow in ("A -- y --> z[ReLU]", "A -- y --> z[Attention]", "A --> z"):
        assert remarked(draw(USE + arrow)) == []
    assert remarked(draw(f"{USE}A -- other --> z")) == ["W020"]


def test_heads_that_give_several_values(draw: Draw) -> None:
    head = 'x --> Head{0}["Head {0}"]@{{ op: "./parts.attn" }}\n'
    each = "Head{0} -- norm --> C[Concatenate]\n"
    found = draw("".join((head + each).format(i) for i in (1, 2)))
    x = normal(0, 3, 4)
    np.testing.assert_allclose(run(found, x=x), np.tanh(x), atol=1e-6)
    mixed = head.format(1) + head.format(2) + "Head1 -- S --> C[Concatenate]\nHead2 -- norm --> C"
    np.testing.assert_allclose(
        run(draw(mixed), x=x), np.concatenate([2 * x, np.tanh(x)], axis=-1), atol=1e-6
    )


def test_members_take_both_outputs_of_theirs(draw: Draw) -> None:
    text = "".join(
        f'x --> Head{i}["Head {i}"]@{{ op: "./parts.attn" }}\n'
        f"Head{i} -- sum --> M{i}[Multiply {i}]\nHead{i} -- norm --> M{i}\n"
        for i in (1, 2)
    )
    beside = draw("x --> y[Tanh]").diagram.source.name
    diagram = parse(Source(beside, f"flowchart TD\n{text}"))
    drawing = collapse_families(read_drawing(diagram, [], interfaces(diagram)))
    assert [(o.source, o.output) for o in drawing["M"].operands] == [
        ("Head", "S"),
        ("Head", "norm"),
    ]


def stack(count: int, carry: str) -> str:
    return f"""z(["z : f32[..., N, E]"])
subgraph B["Block"]
x -- x1 --> R["Reversible"]@{{ op: "./reversible.attn" }}
z -- x2 --> R
end
B@{{ repeat: {count}, carry: "{carry}" }}
"""


def reversible(x: Any, z: Any) -> tuple[Any, Any]:
    y = x + np.tanh(z)
    return y, z + np.maximum(y, 0)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_two_values_go_from_copy_to_copy(draw: Draw, count: int) -> None:
    x, z = normal(0, 3, 4), normal(1, 3, 4)
    found = run(draw(stack(count, "x -> R.first, z -> R.Y2")), x=x, z=z)
    expected = x.astype(np.float64), z.astype(np.float64)
    for _ in range(count):
        expected = reversible(*expected)
    np.testing.assert_allclose(found["R.first"], expected[0], rtol=1e-4)
    np.testing.assert_allclose(found["R.Y2"], expected[1], rtol=1e-4)


def test_one_output_is_carried(draw: Draw) -> None:
    x, z = normal(0, 3, 4), normal(1, 3, 4)
    found = run(draw(stack(2, "z -> R.Y2")), x=x, z=z)
    expected = reversible(x, reversible(x, z)[1])
    np.testing.assert_allclose(found["R.Y2"], expected[1], rtol=1e-4)


def test_an_output_that_enters_a_repetition(draw: Draw) -> None:
    """One of a module's values is replaced from copy to copy; the other stays."""
    inside = 'subgraph B["Twice × 2"]\nA -- S --> add[Add]\nA -- norm --> add\nend\n'
    x = normal(0, 3, 4)
    data = 'B@{ carry: "A.S -> add" }\n'
    found = run(draw(USE + inside + data), x=x)
    np.testing.assert_allclose(found, 2 * x + 2 * np.tanh(x), atol=1e-5)


@pytest.mark.parametrize(
    ("carry", "words"),
    [
        ("x -> R", "no node `R` in this subgraph"),
        ("x -> R.Y3", "no node `R.Y3` in this subgraph"),
        ("x -> R.first, x -> R.Y2", "`x` is named twice"),
    ],
)
def test_carry_that_cannot_be(draw: Draw, carry: str, words: str) -> None:
    (error,) = errors(draw, stack(2, carry))
    assert (error.code, words in error.message) == ("E048", True)


def test_several_outputs_are_not_guessed(draw: Draw) -> None:
    text = stack(2, "").replace(', carry: ""', "")
    (error,) = errors(draw, text)
    assert "x -> R.Y2, x -> R.first, z -> R.Y2, z -> R.first" in error.message


def test_a_repeated_value_is_called_as_what_it_stands_for(draw: Draw) -> None:
    found = draw('subgraph B["Block × 3"]\nx --> y["y = x * x - x"]\nend\n')
    x = normal(0, 3, 4).astype(np.float64) / 4
    expected = x
    for _ in range(3):
        expected = expected * expected - expected
    np.testing.assert_allclose(run(found, x=x.astype(np.float32)), expected, atol=1e-5)
