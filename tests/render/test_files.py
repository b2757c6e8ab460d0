"""Pictures as files: every format, the same bytes every time, and nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.files import write_atomically
from attn_dsl.render import FORMATS, Picture, diagram_dot, draw, format_of, mermaid_text, write
from attn_dsl.render.labels import split_indices, to_lines
from attn_dsl.syntax import Diagram, parse, read_document

SVG = "{http://www.w3.org/2000/svg}"
SEED = Path(__file__).parents[2] / "examples" / "attention.md"
SIGNATURES = {
    "svg": b"<?xml",
    "png": b"\x89PNG\r\n",
    "pdf": b"%PDF-",
    "dot": b"digraph ",
    "mmd": b"graph TD",
}
DOT = "digraph { a -> b }"


def block(number: int) -> Diagram:
    found = read_document(f"{SEED}#{number}")
    return parse(found.source, found.start, found.end)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_seed_draws_in_every_format(number: int, tmp_path: Path) -> None:
    diagram = block(number)
    for format, signature in SIGNATURES.items():
        path = tmp_path / f"out.{format}"
        write(Picture(diagram_dot(diagram), mermaid_text(diagram)), path)
        assert path.read_bytes().startswith(signature)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"out.{f}" for f in FORMATS)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_svg_is_whole_and_says_what_it_shows(number: int) -> None:
    diagram = block(number)
    root = ElementTree.fromstring(draw(diagram_dot(diagram), "svg"))
    assert root.get("viewBox")
    assert root.findtext(f"{SVG}title") == "attention.md"
    said = root.findtext(f"{SVG}desc") or ""
    shown = {text.text for text in root.iter(f"{SVG}text")}
    for subgraph in diagram.subgraphs:
        assert subgraph.title.text in shown
    labels = [
        " ".join("".join(text for text, _ in split_indices(line)) for line in to_lines(label))
        for label in (node.label.text for node in diagram.nodes.values())
    ]
    assert sorted(said.removeprefix("A diagram with the boxes ")[:-1].split("; ")) == sorted(labels)


def test_svg_is_the_same_every_time() -> None:
    assert draw(diagram_dot(block(4)), "svg") == draw(diagram_dot(block(4)), "svg")


def test_text_appears_in_png() -> None:
    """A machine without fonts would draw empty boxes: the label must make a difference."""
    text = "digraph {{ a [label={} fixedsize=true width=2 height=1] }}"
    assert draw(text.format("MatMul"), "png") != draw(text.format('""'), "png")


def test_drawing_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    draw("digraph { a -> a:nowhere }", "svg")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["out", "out.gif", "svg", "out.svg.gz"])
def test_unknown_formats_are_listed(name: str) -> None:
    with pytest.raises(DiagnosticError) as raised:
        format_of(Path(name))
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "E080"
    assert ".svg, .png, .pdf, .dot, .mmd" in diagnostic.help


def test_the_suffix_counts_without_case() -> None:
    assert format_of(Path("OUT.SVG")) == "svg"


@pytest.mark.parametrize(
    "name", ["missing/out.svg", "folder.svg", "file/out.svg", "n" * 300 + ".svg"]
)
def test_a_path_that_cannot_be_written_leaves_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "file").write_text("kept")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DiagnosticError) as raised:
        write(Picture(DOT), tmp_path / name)
    assert raised.value.diagnostics[0].code == "E081"
    assert str(tmp_path / name) in raised.value.diagnostics[0].message
    assert sorted(tmp_path.rglob("*")) == before


def test_what_graphviz_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as raised:
        write(Picture("digraph {"), tmp_path / "out.svg")
    assert raised.value.diagnostics[0].code == "E082"
    assert not any(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.svg"
    path.write_text("old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiagnosticError, match="no space left on device"):
        write_atomically(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["out.svg"]
    assert path.read_text() == "old"


def test_a_link_is_followed_and_a_pipe_written_to(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    write_atomically(Path("/dev/null"), b"gone")
    assert not Path("/dev/null").is_file()


def test_every_shape_and_arrow_draws(diagram: Callable[[str], Diagram]) -> None:
    from_names = "rect rounded stadium fr-rect cyl circle diam hex lean-r lean-l trap-b trap-t odd"
    names = f"{from_names} dbl-circ text doc tri flip-tri f-circ fr-circ fork cross-circ bolt"
    boxes = "".join(
        f'n{i}@{{ shape: {name}, label: "{name}" }}\n' for i, name in enumerate(names.split())
    )
    arrows = [
        "-->",
        "---",
        "--o",
        "--x",
        "<-->",
        "o--o",
        "x--x",
        "-.->",
        "-.-",
        "==>",
        "===",
        "~~~",
    ]
    lines = "".join(f"n{i} {arrow} n{i + 1}\n" for i, arrow in enumerate(arrows))
    ElementTree.fromstring(draw(diagram_dot(diagram(f"flowchart LR\n{boxes}{lines}")), "svg"))
