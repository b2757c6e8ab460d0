"""Drawings as files: Graphviz lays out and draws, the suffix says in which format."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.files import write_atomically
from attn_dsl.render.svg import finish_svg
from attn_dsl.render.titles import raise_titles

TEXTS = ("dot", "mmd")
PICTURES = ("svg", "png", "pdf")
FORMATS = (*PICTURES, *TEXTS)
_RESOLUTION = {"png": "-Gdpi=192"}


def format_of(path: Path) -> str:
    """The format that `path` ends in; DiagnosticError if there is no such format."""
    format = path.suffix.removeprefix(".").lower()
    if format not in FORMATS:
        ending = f"in `{path.suffix}`" if path.suffix else "without a suffix"
        known = ", ".join(f".{name}" for name in FORMATS)
        message = f"the format of `{path}` is not known: its name ends {ending}"
        raise DiagnosticError([Diagnostic("E080", message, help=f"known suffixes are {known}")])
    return format


def write(text: str, path: Path) -> None:
    """Write the drawing `text` to `path` in the format of its suffix.

    `text` is DOT, or Mermaid's for `.mmd`. Raises DiagnosticError (E080, E081), and then
    nothing has been written.
    """
    format = format_of(path)
    write_atomically(path, text.encode() if format in TEXTS else draw(text, format))


def draw(dot: str, format: str) -> bytes:
    """Lay out and draw DOT text as svg, png or pdf; DiagnosticError (E082) if Graphviz cannot."""
    import pygraphviz  # noqa: PLC0415 # loads Graphviz, which only drawing needs

    try:
        with _quiet():
            graph = pygraphviz.AGraph(string=dot)
            graph.layout("dot")
            raise_titles(graph)
            args = _RESOLUTION.get(format, "")
            data: bytes = graph.draw(format=format, prog="nop2", args=args)
    except ValueError as error:
        message = f"Graphviz cannot draw this: {error}"
        raise DiagnosticError([Diagnostic("E082", message)]) from error
    return finish_svg(data, str(graph.name)) if format == "svg" else data


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of C libraries, such as fontconfig's, from standard error."""
    with tempfile.TemporaryFile() as sink:
        kept = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
