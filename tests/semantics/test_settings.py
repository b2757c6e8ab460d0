"""Which of several settings holds, and what is said of one that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drawn import codes, compiled, operations, parameters, problems

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.ir.ops import SplitHeads
from attn_dsl.pipeline import Compiled, analyse, read

X = 'x(["x : f32[N, E]"])\n'
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("what the module declares", {}),
    ("for all, in the front matter", {"front": {"hidden": 11}}),
    ("for all, in the call", {"call": {"hidden": 12}}),
    ("for what is around it, in the front matter", {"front": {"S.hidden": 14}}),
    ("for what is around it, in the call", {"call": {"S.hidden": 15}}),
    ("by its metadata", {"metadata": 16}),
    ("for the box, in the front matter", {"front": {"F.hidden": 17}}),
    ("for the box, in the call", {"call": {"F.hidden": 18}}),
    ("by a longer path, in the front matter", {"front": {"S.F.hidden": 19}}),
    ("by a longer path, in the call", {"call": {"S.F.hidden": 20}}),
]
"""How `hidden` of the box F may be said; each goes before those above it."""


def analysed(*said: dict[str, Any]) -> Compiled:
    """F and H in the subgraph S, G outside; `said` is merged, what comes later over the rest."""
    merged: dict[str, Any] = {"front": {}, "call": {}, "metadata": None}
    for one in said:
        for key, value in one.items():
            merged[key] = {**merged[key], **value} if isinstance(value, dict) else value
    dims = ", ".join(f"{key}: {value}" for key, value in merged["front"].items())
    data = f"@{{ hidden: {merged['metadata']} }}" if merged["metadata"] else ""
    text = f"""---
attn:
  dims: {{{dims}}}
---
flowchart TD
{X}x --> F & G & H
subgraph S
F[Feed Forward]{data}
H[Feed Forward]
end
G[Feed Forward]
"""
    return analyse(read(text), merged["call"])


def hidden(found: Compiled, box: str = "S.F") -> str:
    return parameters(found.drawn)[f"{box}.up.bias"]


@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for name, _ in STEPS])
def test_each_step_goes_before_those_above_it(step: int) -> None:
    """Alone, and with each of the others; only where the drawing goes before all that the call
    says for one box is that an error."""
    expected = f"f32[{next(iter(STEPS[step][1].values()), '4*E')}]"
    said = STEPS[step][1]
    for value in said.values():
        number = next(iter(value.values())) if isinstance(value, dict) else value
        expected = f"f32[{number}]"
    assert hidden(analysed(said)) == expected
    for name, lower in STEPS[:step]:
        if name == "for the box, in the call" and "front" in said:
            with pytest.raises(DiagnosticError, match="changes nothing"):
                analysed(lower, said)
        else:
            assert hidden(analysed(lower, said)) == expected


def test_what_is_around_does_not_hold_outside() -> None:
    found = analysed({"call": {"S.hidden": 15}})
    assert [hidden(found, box) for box in ("S.F", "S.H", "G")] == ["f32[15]", "f32[15]", "f32[4*E]"]


def test_what_a_module_was_given_goes_before_a_setting_for_all() -> None:
    """Inside it, and a setting with the path of what is inside goes before that."""
    text = f"{X}x --> B[Encoder Block]@{{ heads: 2, hidden: 8 }}\nx --> G[Feed Forward]"
    found = compiled(text, hidden=9)
    assert (hidden(found, "B.ffn"), hidden(found, "G")) == ("f32[8]", "f32[9]")
    found = compiled(text, hidden=9, B__ffn__hidden=7)
    assert (hidden(found, "B.ffn"), hidden(found, "G")) == ("f32[7]", "f32[9]")


# ---- heads


def heads(found: Compiled) -> dict[str, int]:
    return {s.name: s.op.heads for s in found.drawn.statements if isinstance(s.op, SplitHeads)}


SPLIT = f"{X}subgraph Encoder\nA[Split Heads]\nend\nx --> A\nx --> B[Split Heads]\n"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"heads": 2}, (2, 2)),
        ({"A.heads": 4, "B.heads": 2}, (4, 2)),
        ({"A.heads": 4, "heads": 2}, (4, 2)),
        ({"Encoder.A.heads": 4, "heads": 2}, (4, 2)),
        ({"Encoder.heads": 4, "heads": 2}, (4, 2)),
        ({"Encoder.heads": 4, "A.heads": 8, "B.heads": 2}, (8, 2)),
    ],
)
def test_any_box_that_needs_heads_can_be_given_them(
    settings: dict[str, int], expected: tuple[int, int]
) -> None:
    """By its id, by its path, by the subgraph around it; in the call or in the front matter."""
    found = compiled(SPLIT, **{key.replace(".", "__"): value for key, value in settings.items()})
    assert tuple(heads(found).values()) == expected
    dims = ", ".join(f"{key}: {value}" for key, value in settings.items())
    found = analyse(read(f"---\nattn: {{dims: {{{dims}}}}}\n---\nflowchart TD\n{SPLIT}"))
    assert tuple(heads(found).values()) == expected


def test_heads_by_metadata() -> None:
    found = compiled(SPLIT + "A@{ heads: 4 }\n", heads=2)
    assert tuple(heads(found).values()) == (4, 2)
    found = compiled(SPLIT + "A@{ heads: 4 }\n", A__heads=8, heads=2)
    assert tuple(heads(found).values()) == (8, 2)


def test_heads_on_an_arrow() -> None:
    found = compiled(f"{X}x -- Split Heads --> y\n", y__heads=3)
    assert list(heads(found).values()) == [3]


FAMILY = "".join(f'x --> Head{i}["Head {i} <br> Attention"] --> C[Concat]\n' for i in "1N")


@pytest.mark.parametrize("name", ["heads", "Head__heads", "Head__N", "S__Head__heads", "S__heads"])
def test_heads_of_a_family(name: str) -> None:
    """Drawn as boxes 1, …, N in a subgraph; N is a size of the input, and no count by itself."""
    text = f"{X}subgraph S\n{FAMILY.replace('x -->', '')}end\nx --> Head1 & HeadN\n"
    assert list(heads(compiled(text, **{name: 4})).values()) == [4]


def test_a_size_is_no_count() -> None:
    """`N` is how long x is; that there are so many heads, or copies, has to be said apart."""
    (error,) = problems(X + FAMILY, N=1024)
    assert (error.code, "`N` is a size here" in error.help) == ("E051", True)
    stack = f'{X}x --> a\nsubgraph S["Layer × N"]\na[Tanh]\nend\n'
    (error,) = problems(stack, N=1024)
    assert (error.code, "`--set S.N=6`" in error.help) == ("E047", True)
    assert operations(compiled(stack, N=1024, S__N=2).drawn) == ["tanh"] * 2
    text = 'x(["x : f32[heads, N, 8]"]) --> A[Split Heads]'
    (error,) = problems(text, heads=2)
    assert (error.code, "`--set A.heads=8`" in error.help) == ("E051", True)


def test_parameters_of_a_drawing_that_is_no_module(tmp_path: Path) -> None:
    """Its own defaults hold, and the call goes before them."""
    path = tmp_path / "block.attn"
    path.write_text(
        "---\nattn: {parameters: {layers: 2, width: 3}}\n---\nflowchart TD\n"
        f'{X}x --> a\nsubgraph S["Layer"]\na[Tanh]\nend\nS@{{ repeat: layers }}\n'
        "a --> l[Linear]@{ out: width }\n",
        encoding="utf-8",
    )
    assert operations(analyse(read(path)).drawn) == ["tanh"] * 2 + ["linear"]
    found = analyse(read(path), {"layers": 4, "width": 5})
    assert operations(found.drawn) == ["tanh"] * 4 + ["linear"]
    assert parameters(found.drawn)["l.bias"] == "f32[5]"


# ---- settings that change nothing


def warned(found: Compiled) -> list[Diagnostic]:
    return [d for d in found.notes if d.code == "W022"]


@pytest.mark.parametrize(
    ("name", "near"),
    [("heds", "heads"), ("A.head", "A.heads"), ("Aa.heads", "A.heads"), ("NN", "N")],
)
def test_a_misspelled_setting(name: str, near: str) -> None:
    (error,) = problems(f"{X}x --> A[MHA]", heads=2, **{name: 4})
    assert (error.code, error.help) == ("E054", f"did you mean `{near}`?")


def test_a_misspelled_setting_that_was_needed() -> None:
    """What is missing is an error of its own, and both are said."""
    found = problems(f"{X}x --> A[MHA]", heds=2)
    assert {error.code for error in found} == {"E051", "E054"}
    assert "did you mean `heads`?" in [error.help for error in found]
    assert codes(f"{X}x --> A[MHA]", banana=2) == ["E051"]


def test_a_misspelled_parameter_of_a_module() -> None:
    (error,) = problems(f"{X}x --> F[FFN]", hiden=8)
    assert (error.code, error.help) == ("E054", "did you mean `hidden`?")


def test_a_setting_that_the_drawing_goes_before() -> None:
    (error,) = problems(f"{X}x --> A[MHA]@{{ heads: 2 }}", heads=4)
    assert error.code == "E054"
    assert "`heads=4` changes nothing" in error.message
    assert [note.span.text for note in error.notes] == ["heads: 2"]
    assert "`--set A.heads=4` goes before" in error.help
    front = "---\nattn: {dims: {A.heads: 2}}\n---\nflowchart TD\n"
    with pytest.raises(DiagnosticError) as caught:
        analyse(read(f"{front}{X}x --> A[MHA]"), {"heads": 4})
    (error,) = caught.value.diagnostics
    assert (error.code, error.help) == ("E054", "`A.heads` goes before it")


def test_a_setting_that_the_call_itself_goes_before() -> None:
    """That is a warning: what was asked for is done."""
    found = compiled(f"{X}x --> A[MHA]", heads=4, A__heads=2)
    (warning,) = warned(found)
    assert "`A.heads` goes before it" in warning.help
    assert set(heads(found).values()) == {2}


def test_a_setting_that_says_the_same() -> None:
    text = f"{X}x --> A[MHA]@{{ heads: 2 }}\nA --> B[MHA]"
    assert warned(compiled(text, heads=2, B__heads=2)) == []
    assert codes(text, heads=2, B__heads=4) == ["E054"]


def test_a_default_that_changes_nothing() -> None:
    def front(dims: str) -> str:
        return f"---\nattn: {{dims: {{{dims}}}}}\n---\nflowchart TD\n{X}x --> A[MHA]\n"

    (warning,) = warned(analyse(read(front("A.heads: 2, heads: 4"))))
    assert warning.span is not None
    assert warning.span.text == "heads: 4"
    (warning,) = warned(analyse(read(front("heads: 2, K: 4"))))
    assert (warning.span and warning.span.text, warning.help[:13]) == ("K: 4", "settings here")
    assert warned(analyse(read(front("heads: 2")), {"A.heads": 4})) == []
    assert warned(analyse(read(front("heads: 2")), {"heads": 4})) == []
