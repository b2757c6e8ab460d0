"""Names of files to blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.syntax import parse, read_document

SEED = Path(__file__).parents[2] / "examples" / "attention.md"


def refused(name: str) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        read_document(name)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


@pytest.fixture
def notes(tmp_path: Path) -> str:
    """A Markdown file with everything that is not quite a block."""
    text = (
        "---\ntitle: front matter\n# no heading\n---\n# One\n```python\n# not a heading\n```\n"
        "````markdown\n```mermaid\nflowchart TD\n  Shown\n```\n````\n"
        "~~~ mermaid\nflowchart LR\n  A --> B\n~~~\n"
        "## Two & *more*\n- item\n  ```mermaid\n  flowchart TD\n    C\n  ```\n## Two\n"
        "```mermaid\nflowchart BT\n  D\n"
    )
    path = tmp_path / "notes.md"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_plain_file_is_one_block(tmp_path: Path) -> None:
    path = tmp_path / "a#1.attn"
    path.write_bytes(b"\xef\xbb\xbfflowchart TD\r\n  A --> B\r\n")
    block = read_document(str(path))
    assert block.source.text == "flowchart TD\n  A --> B\n"
    assert (block.start, block.end, block.name) == (0, len(block.source.text), str(path))


def test_blocks_by_number(notes: str) -> None:
    first, second, third = (read_document(f"{notes}#{number}") for number in (1, 2, 3))
    assert list(parse(first.source, first.start, first.end).nodes) == ["A", "B"]
    assert list(parse(second.source, second.start, second.end).nodes) == ["C"]
    assert list(parse(third.source, third.start, third.end).nodes) == ["D"]


def test_blocks_by_heading() -> None:
    by_heading = read_document(f"{SEED}#Multi-Head Attention")
    by_link = read_document(f"{SEED}#multi-head-attention")
    by_number = read_document(f"{SEED}#3")
    assert by_heading.start == by_link.start == by_number.start


def test_errors_in_a_block_point_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# T\n\n```mermaid\nflowchart TD\n  A[x\n```\n")
    block = read_document(str(path))
    with pytest.raises(DiagnosticError) as caught:
        parse(block.source, block.start, block.end)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.place == f"{path}:5:4"


def test_several_blocks_are_listed() -> None:
    diagnostic = refused(str(SEED))
    assert diagnostic.code == "E004"
    assert "#3  Multi-Head Attention" in diagnostic.help


@pytest.mark.parametrize("wanted", ["0", "5", "Nowhere", ""])
def test_no_such_block(wanted: str) -> None:
    assert refused(f"{SEED}#{wanted}").code == "E005"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refused(str(tmp_path / "none.attn")).message
    assert "directory" in refused(str(tmp_path)).message
    assert refused("a\0b").code == "E001"


def test_not_utf8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin.attn"
    path.write_bytes(b"flowchart TD\n  A[\xe9]\n")
    diagnostic = refused(str(path))
    assert diagnostic.code == "E002"
    assert "offset 17" in diagnostic.message


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.attn"
    path.write_text(" \n")
    assert refused(str(path)).code == "E003"
