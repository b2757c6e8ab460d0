"""`attn fmt`: what it writes, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]
MARKDOWN = (
    "# One\n\n```mermaid\nflowchart TD\nA-->B\n```\ntext  \n\n# Two\n"
    "```mermaid\ngraph LR;C-->D\n```\n"
)


def test_formats_what_is_not_canonical(run: Run) -> None:
    Path("a.attn").write_text("flowchart TD;A-->B")
    Path("b.attn").write_text("flowchart TD\n    A --> B\n")
    before = Path("b.attn").stat().st_mtime_ns
    result = run("fmt", "a.attn", "b.attn")
    assert result.exit_code == 0
    assert result.stdout == "formatted a.attn\n"
    assert Path("a.attn").read_text() == Path("b.attn").read_text()
    assert Path("b.attn").stat().st_mtime_ns == before
    assert run("fmt", "a.attn").stdout == ""


def test_keeps_the_permissions(run: Run) -> None:
    Path("a.attn").write_text("flowchart TD;A-->B")
    Path("a.attn").chmod(0o600)
    assert run("fmt", "a.attn").exit_code == 0
    assert Path("a.attn").stat().st_mode & 0o777 == 0o600


def test_check_names_the_files_and_shows_the_changes(run: Run) -> None:
    Path("a.attn").write_text("flowchart TD\nA-->B")
    Path("b.attn").write_text("flowchart TD\n    A --> B\n")
    result = run("fmt", "--check", "a.attn", "b.attn")
    assert result.exit_code == 1
    assert "would format a.attn\n" in result.stdout
    assert "-A-->B\n\\ No newline at end of file\n+    A --> B\n" in result.stdout
    assert "b.attn" not in result.stdout
    assert Path("a.attn").read_text() == "flowchart TD\nA-->B"
    assert run("fmt", "--check", "b.attn").exit_code == 0


def test_errors_leave_the_file_alone(run: Run) -> None:
    Path("bad.attn").write_text("flowchart TD\n  A[open-->B\n")
    Path("a.attn").write_text("flowchart TD;A-->B")
    result = run("fmt", "bad.attn", "a.attn")
    assert result.exit_code == 1
    assert "bad.attn:2:4" in result.stderr
    assert Path("bad.attn").read_text() == "flowchart TD\n  A[open-->B\n"
    assert Path("a.attn").read_text() == "flowchart TD\n    A --> B\n"


def test_markdown_blocks(run: Run) -> None:
    Path("notes.md").write_text(MARKDOWN)
    assert run("fmt", "notes.md#2").exit_code == 0
    second = MARKDOWN.replace("graph LR;C-->D", "graph LR\n    C --> D")
    assert Path("notes.md").read_text() == second
    assert run("fmt", "notes.md").exit_code == 0
    assert Path("notes.md").read_text() == second.replace("A-->B", "    A --> B")


def test_markdown_keeps_its_line_ends(run: Run) -> None:
    Path("notes.md").write_bytes(MARKDOWN.replace("\n", "\r\n").encode())
    assert run("fmt", "notes.md#One").exit_code == 0
    expected = MARKDOWN.replace("A-->B", "    A --> B").replace("\n", "\r\n")
    assert Path("notes.md").read_bytes() == expected.encode()


def test_windows_line_ends_become_plain(run: Run) -> None:
    Path("a.attn").write_bytes(b"flowchart TD\r\n    A --> B\r\n")
    assert run("fmt", "--check", "a.attn").exit_code == 1
    assert run("fmt", "a.attn").exit_code == 0
    assert Path("a.attn").read_bytes() == b"flowchart TD\n    A --> B\n"


def test_max_size(run: Run) -> None:
    Path("a.attn").write_text("flowchart TD;A-->B" + " " * 3000)
    result = run("fmt", "a.attn", "--max-size", "1kB")
    assert result.exit_code == 1
    assert "attn[E026]" in result.stderr
    assert run("fmt", "a.attn", "--max-size", "4000").exit_code == 0
    assert run("fmt", "a.attn", "--max-size", "much").exit_code == 2
