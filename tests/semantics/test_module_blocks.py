"""Markdown blocks as modules: how they are named, read again, and found to include themselves."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from drawn import normal, operations

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.semantics.instantiate import MAX_DEPTH

NOTES = """# Notes

## Multi/Step

```mermaid
flowchart TD
x([x]) --> first["First"]@{ op: "#Feed-forward" }
x & first --> sum[Add]
```

## Feed forward

```mermaid
flowchart TD
x([x]) --> act[Tanh]
```

## Ping

```mermaid
flowchart TD
x([x]) --> p["p"]@{ op: "#Pong" }
```

## Pong

```mermaid
flowchart TD
x([x]) --> p["p"]@{ op: "../notes/notes.md#3" }
```

## Itself

```mermaid
flowchart TD
x([x]) --> p["p"]@{ op: "notes.md#itself" }
```
"""
ONE = "# One\n\n```mermaid\nflowchart TD\nx([x]) --> t[ReLU]\n```\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    path = tmp_path / "notes" / "notes.md"
    path.write_text(NOTES, encoding="utf-8")
    (path.parent / "one.md").write_text(ONE, encoding="utf-8")
    (path.parent / "a#1.attn").write_text("flowchart TD\nx([x]) --> t[Tanh]\n", encoding="utf-8")
    return path


def using(notes: Path, op: str) -> Compiled:
    path = notes.parents[1] / "main.attn"
    text = f'flowchart TD\nx(["x : f32[N, E]"]) --> A["Use it"]@{{ op: "{op}" }}\n'
    path.write_text(text, encoding="utf-8")
    return analyse(read(path))


def failure(notes: Path, op: str) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        using(notes, op)
    (error,) = caught.value.diagnostics
    return error


@pytest.mark.parametrize(
    ("op", "ops"),
    [
        ("./notes/notes.md#2", ["tanh"]),
        ("notes/notes.md#Feed forward", ["tanh"]),
        ("./notes/notes.md#feed-forward", ["tanh"]),
        ("./notes/notes.md#Multi/Step", ["tanh", "add"]),
        ("./notes/one.md", ["relu"]),
        ("./notes/one.md#1", ["relu"]),
        ("./notes/a#1.attn", ["tanh"]),
    ],
)
def test_a_block_is_a_module(notes: Path, op: str, ops: list[str]) -> None:
    assert operations(using(notes, op).drawn) == ops


def test_a_block_uses_another_of_its_file(notes: Path) -> None:
    x = normal(0, 3, 4)
    found = load(using(notes, "./notes/notes.md#1"), "numpy")(x)
    np.testing.assert_allclose(found, x + np.tanh(x), atol=1e-6)


def test_the_drawing_may_stand_in_the_file_itself(notes: Path) -> None:
    typed = NOTES.replace("x([x]) --> first", 'x(["x : f32[N, E]"]) --> first')
    notes.write_text(typed, encoding="utf-8")
    assert operations(analyse(read(f"{notes}#1")).drawn) == ["tanh", "add"]


def test_a_block_that_changes_is_read_again(notes: Path) -> None:
    assert operations(using(notes, "./notes/notes.md#1").drawn) == ["tanh", "add"]
    notes.write_text(NOTES.replace("Tanh", "ReLU"), encoding="utf-8")
    os.utime(notes, ns=(1, 1))
    assert operations(using(notes, "./notes/notes.md#1").drawn) == ["relu", "add"]


@pytest.mark.parametrize(
    ("op", "chain"),
    [
        ("Ping", "notes.md#Ping → notes.md#Pong → notes.md#3"),
        ("3", "notes.md#3 → notes.md#Pong → notes.md#3"),
        ("Itself", "notes.md#Itself → notes.md#itself"),
        ("5", "notes.md#5 → notes.md#itself"),
    ],
)
def test_a_block_that_includes_itself(notes: Path, op: str, chain: str) -> None:
    """However the block is named."""
    error = failure(notes, f"./notes/notes.md#{op}")
    assert error.code == "E049"
    assert chain in error.message
    assert [note.span.text.split("[")[0] for note in error.notes][-1] == "A"


@pytest.mark.parametrize(
    ("op", "code", "words"),
    [
        ("./notes/notes.md", "E004", "holds 5 diagrams"),
        ("./notes/notes.md#6", "E005", "no diagram `#6`"),
        ("./notes/notes.md#0", "E005", "no diagram `#0`"),
        ("./notes/one.md#Two", "E005", "no diagram `#Two`"),
        ("./notes/none.md#1", "E001", "none.md` cannot be read"),
        ("./notes.md/one.md#1", "E001", "cannot be read"),
        ("./" + "n" * 5000 + ".md#1", "E001", "cannot be read"),
        ("./a\\u0000.md#1", "E001", "cannot be read"),
        ("#2", "E005", "no diagram `#2`"),
    ],
)
def test_a_block_that_is_not_there(notes: Path, op: str, code: str, words: str) -> None:
    error = failure(notes, op)
    assert (error.code, words in error.message) == (code, True)
    assert [note.label for note in error.notes] == ["called here"]


@pytest.mark.parametrize("op", ["./notes", "/dev/stdin", "#", "./notes/"])
def test_what_is_no_file_of_a_diagram(notes: Path, op: str) -> None:
    assert failure(notes, op).code == "E031"


def test_modules_nested_too_deep(tmp_path: Path) -> None:
    def chain(length: int) -> None:
        for i in range(length):
            use = f'M["m"]@{{ op: "./m{i + 1}.attn" }}' if i + 1 < length else "M[Tanh]"
            (tmp_path / f"m{i}.attn").write_text(f"flowchart TD\nx([x]) --> {use}\n", "utf-8")
        (tmp_path / "main.attn").write_text(
            'flowchart TD\nx(["x : f32[N]"]) --> A["a"]@{ op: "./m0.attn" }\n', "utf-8"
        )

    chain(MAX_DEPTH)
    assert operations(analyse(read(tmp_path / "main.attn")).drawn) == ["tanh"]
    chain(MAX_DEPTH + 1)
    with pytest.raises(DiagnosticError, match=f"more than {MAX_DEPTH} deep"):
        analyse(read(tmp_path / "main.attn"))
