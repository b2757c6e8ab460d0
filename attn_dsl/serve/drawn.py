"""What became of a file at one time: its page, or what is wrong above the last page."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attn_dsl.backend import Failure
from attn_dsl.diagnostics import Diagnostic, DiagnosticError, render
from attn_dsl.page import make_page
from attn_dsl.pipeline import read
from attn_dsl.render.page import Page, page_html
from attn_dsl.semantics import module_files
from attn_dsl.syntax import file_of, parse

MAX_SHOWN = 20
Stamps = Mapping[Path, tuple[int, int] | None]
"""The time and the size of files; None for one that is not there."""


@dataclass(frozen=True)
class Source:
    """The name of a diagram, and how it is read."""

    name: str
    settings: Mapping[str, Any]
    max_size: int


@dataclass(frozen=True)
class Drawn:
    """The last page that could be made, what is wrong now, and both as HTML.

    It was made from files with these `stamps`; of two the later has the greater `version`.
    """

    page: Page
    error: str
    html: str
    stamps: Stamps
    version: int


def draw(source: Source, before: Drawn | None = None) -> Drawn:
    """Draw `source` as it is now; `before` is what it was."""
    files = _files(source) or (before.stamps.keys() if before else {file_of(source.name)})
    stamps, version = stamps_of(files), time.time_ns()
    page, error = before.page if before else Page(source.name, "", ()), ""
    try:
        page = make_page(read(source.name, source.max_size), source.settings)
    except DiagnosticError as raised:
        error = _text(raised.diagnostics)
    except (Failure, ValueError, TypeError, MemoryError) as raised:
        error = f"error: {raised}"
    return Drawn(page, error, page_html(page, live=str(version), error=error), stamps, version)


def stamps_of(files: Iterable[Path]) -> Stamps:
    """What tells whether `files` are as they were."""
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def _files(source: Source) -> frozenset[Path]:
    """The file and its modules' files; none where that cannot be known, as it does not parse."""
    try:
        block = read(source.name, source.max_size)
        return module_files(parse(block.source, block.start, block.end)) | {file_of(source.name)}
    except DiagnosticError:
        return frozenset()


def _text(diagnostics: tuple[Diagnostic, ...]) -> str:
    shown = [render(diagnostic) for diagnostic in diagnostics[:MAX_SHOWN]]
    more = len(diagnostics) - len(shown)
    return "\n".join([*shown, *([f"… and {more} more"] if more else [])])
