"""Files that want to break the tool: each gets its diagnostic, and none a crash or a long wait.

The texts are made here, as they are large.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source, render
from attn_dsl.pipeline import analyse, read
from attn_dsl.syntax import Block, find_blocks, parse, read_document

HEAD = "flowchart TD\n"
DRAWN = 'A["A : f32[N, N]"] --> B[Softmax]\n'
BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcd", "bcde", strict=True)
)


def label(text: str) -> str:
    return f'{HEAD}A["A : f32[N, N]"] --> B["{text}"]\n'


def front(yaml: str) -> str:
    return f"---\n{yaml}\n---\n{HEAD}{DRAWN}"


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "endless chain": (lambda: HEAD + "A-->" * 400_000, "E026"),
    "edges of a product": (
        lambda: HEAD + " & ".join(["A"] * 900) + " --> " + " & ".join(["B"] * 900),
        "E026",
    ),
    "open subgraphs": (lambda: HEAD + "subgraph S\n" * 5_000, "E020"),
    "brackets": (lambda: HEAD + "A" + "(" * 10_000 + "x" + ")" * 10_000, "E010"),
    "many errors": (lambda: HEAD + "A[foo\n" * 100_000, "E009"),
    "many shapes": (lambda: HEAD + "A@{ shape: foo }\n" * 10_000, "E019"),
    "many edges styled": (lambda: HEAD + f"linkStyle {'7,' * 9_000}8 stroke:#333\n", "E024"),
    "a long number of an edge": (
        lambda: f"{HEAD}A --> B\nlinkStyle {'9' * 9_000} stroke:#333\n",
        "E024",
    ),
    "no end of a label": (lambda: HEAD + 'A["' + "x\n" * 300_000, "E009"),
    "directives that never end": (lambda: HEAD + 'A["' + "%%{a" * 200_000 + '"]\n', "E009"),
    "NUL": (lambda: HEAD + "A\0B --> C[\0]\n", "E008"),
    "only NUL": (lambda: "\0" * 1_000_000, "E007"),
    "a lone surrogate": (lambda: HEAD + "A[\ud800]\n", "E002"),
    "aliases": (lambda: f"{HEAD}A@{{\n{BOMB}}}\n", "E018"),
    "aliases in front matter": (lambda: front(BOMB), "E018"),
    "itself in metadata": (lambda: HEAD + "A@{\nx: &x [*x]\n}\n", "E018"),
    "merge keys": (lambda: HEAD + "A@{\nx: &x {a: 1}\n<<: *x\n}\n", "E018"),
    "much metadata": (lambda: HEAD + "A@{ x: " + "[1," * 100_000 + " }\n", "E018"),
    "many blocks of metadata": (
        lambda: HEAD + "".join(f"A{i}@{{ x: {i}.5 }}\n" for i in range(4_000)),
        "E026",
    ),
    "deep front matter": (lambda: front("a: " + "[" * 9_000 + "]" * 9_000), "E018"),
    "deep metadata": (lambda: HEAD + "A@{ x: " + "[" * 9_000 + "]" * 9_000 + " }\n", "E018"),
    "code in metadata": (lambda: HEAD + 'A@{ x: !!python/object/apply:os.abort "" }\n', "E018"),
    "a long number of another base": (
        lambda: f"{HEAD}A@{{ axis: 0x{'f' * 9_000} }}\n",
        "E018",
    ),
    "a long number": (lambda: front("attn:\n  dims: {N: " + "9" * 9_000 + "}"), "E018"),
    "line ends": (lambda: "---" + "\n" * 1_000_000, "E006"),
    "tower of powers": (lambda: HEAD + 'A["A : f32[10**10**10]"] --> B[Softmax]\n', "E035"),
    "tower in a setting": (lambda: front("attn:\n  dims: {N: 10**10**10}"), "E030"),
    "repeated": (lambda: f"{HEAD}subgraph S\n{DRAWN}end\nS@{{ repeat: 1000000000 }}\n", "E047"),
    "parentheses": (lambda: label("Mask: " + "(" * 100_000 + "k" + ")" * 100_000), "E036"),
    "nots": (lambda: label("Mask: " + "~" * 9_000 + "k"), "E036"),
    "chains": (lambda: label("Mask: " + "(1<" * 99 + "k" + "<3)" * 99), "E036"),
    "powers": (lambda: HEAD + f'A["A : f32[{"(" * 90}9{"**20)" * 90}]"] --> B[Softmax]\n', "E035"),
    "terms": (lambda: label("Score: " + "+".join(["s"] * 3_000)), "E036"),
}
READ: dict[str, Callable[[], str]] = {
    "nested subgraphs": lambda: HEAD + "subgraph S\n" * 5_000 + DRAWN + "end\n" * 5_000,
    "a long id": lambda: HEAD + "A" * 1_000_000 + " --> B\n",
    "an id of many pieces": lambda: HEAD + "λ,#a" * 50_000 + " --> B\n",
    "a long label": lambda: HEAD + 'A["' + "x" * 1_000_000 + '"]\n',
    "spaces in an edge's label": lambda: HEAD + "A -- x" + " " * 200_000 + "y --> B\n",
    "spaces": lambda: HEAD + "A" + " " * 1_000_000 + "\n",
    "tags": lambda: HEAD + "A[x" + "<a" * 300_000 + "]\n",
    "a tag that never ends": lambda: HEAD + "A[<" + "a" * 500_000 + "]\n",
    "tags that close nothing": lambda: HEAD + 'A["' + "<b></i>" * 100_000 + '"]\n',
    "many styles": lambda: HEAD + "style A x:#1;\n" * 30_000,
    "colours": lambda: HEAD + 'A["style' + ":" * 500_000 + '"]\n',
    "bidi": lambda: HEAD + 'A["\u202ex"] --> B\n',
    "halves of a pair": lambda: HEAD + 'A@{ x: "\\ud800", y: "\\ud83d\\ude00" }\n',
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, code = REFUSED[name]
    source = Source("x", make())
    with pytest.raises(DiagnosticError) as caught:
        analyse(Block(source, 0, len(source.text), "x"))
    assert code in {d.code for d in caught.value.diagnostics}
    assert len(caught.value.diagnostics) <= 10_001
    assert all(len(render(d)) < 10_000 for d in caught.value.diagnostics[:10])


@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    text = READ[name]()
    assert parse(Source("x", text)).nodes


def test_a_heading_of_spaces() -> None:
    text = "# " + "# " * 500_000 + "x\n```mermaid\nflowchart TD\nA\n```\n"
    assert len(find_blocks(text)) == 1


def test_surrogates_of_metadata_can_be_printed() -> None:
    data = parse(Source("x", READ["halves of a pair"]())).nodes["A"].data.values
    assert data == {"x": "\ufffd", "y": "\U0001f600"}


def test_messages_show_no_control_characters() -> None:
    with pytest.raises(DiagnosticError) as caught:
        analyse(read(f"{HEAD}A\x1b[31m --> B\u202e\n"))
    shown = "".join(render(d) for d in caught.value.diagnostics)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", shown)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.attn"
    path.write_bytes(HEAD.encode() + b"A-->" * 600_000)
    with pytest.raises(DiagnosticError) as caught:
        read_document(str(path))
    assert [d.code for d in caught.value.diagnostics] == ["E026"]
    assert read_document(str(path), max_size=10**7).end > 2_000_000


def test_two_anchors_of_one_name_are_no_news() -> None:
    """Nothing may refer to them; a warning of the YAML reader would reach the terminal."""
    text = "flowchart TD\nA@{\n  x: &n 1\n  y: &n 2\n}\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagram = parse(Source("x", text))
    assert diagram.nodes["A"].data.values == {"x": 1, "y": 2}
