"""Files in canonical layout: all of an .attn file, the mermaid blocks of a Markdown file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.files import write_atomically
from attn_dsl.syntax import Block, format_text, read_blocks


@dataclass(frozen=True)
class Reformatted:
    """The text of the file `path`, and what it should be."""

    path: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """What would change, as a unified diff."""
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        changes = unified_diff(before, after, self.path, f"{self.path} (formatted)")
        return "".join(_whole_lines(changes))

    def write(self) -> None:
        """Put the new text into the file."""
        write_atomically(Path(self.path), self.after.encode())


def reformat(name: str, max_size: int) -> Reformatted:
    """Lay out the diagrams that `name` names; raise `DiagnosticError` if one has errors."""
    blocks = read_blocks(name, max_size)
    source = blocks[0].source
    parts: list[str] = []
    found: list[Diagnostic] = []
    position = 0
    for block in blocks:
        try:
            parts += [source.text[position : block.start], _lay_out(block)]
        except DiagnosticError as error:
            found += error.diagnostics
        position = block.end
    if found:
        raise DiagnosticError(found)
    return Reformatted(source.name, source.text, "".join([*parts, source.text[position:]]))


def _lay_out(block: Block) -> str:
    """A block of a Markdown file keeps that file's line ends."""
    text = format_text(block.source, block.start, block.end)
    windows = block.source.text.endswith("\r\n", 0, block.start)
    return text.replace("\n", "\r\n") if windows else text


def _whole_lines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
