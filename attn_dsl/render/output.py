"""Pictures as files: the suffix says in which format."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.files import write_atomically
from attn_dsl.render.canvas import Canvas
from attn_dsl.render.canvas_dot import canvas_dot
from attn_dsl.render.canvas_svg import canvas_svg
from attn_dsl.render.svg import finish_svg
from attn_dsl.render.theme import Theme, theme_style, themed_dot
from attn_dsl.render.titles import raise_titles

TEXTS = ("dot", "mmd")
PICTURES = ("svg", "png", "pdf")
FORMATS = (*PICTURES, *TEXTS)
_RESOLUTION = {"png": "-Gdpi=192"}


@dataclass(frozen=True)
class Picture:
    """A canvas, or DOT text that is to be laid out; and the same as Mermaid text, if it can be.

    `links` are those of the nodes of DOT text, by their names: an SVG has them as `data-link`.
    `no_mermaid` says why there is no Mermaid text.
    """

    drawn: str | Canvas
    mermaid: str = ""
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    no_mermaid: str = "Mermaid has no diagram for this view"


def format_of(path: Path) -> str:
    """The format that `path` ends in; DiagnosticError if there is no such format."""
    format = path.suffix.removeprefix(".").lower()
    if format not in FORMATS:
        ending = f"in `{path.suffix}`" if path.suffix else "without a suffix"
        known = ", ".join(f".{name}" for name in FORMATS)
        message = f"the format of `{path}` is not known: its name ends {ending}"
        raise DiagnosticError([Diagnostic("E080", message, help=f"known suffixes are {known}")])
    return format


def write(picture: Picture, path: Path, theme: Theme = Theme.LIGHT) -> None:
    """Write `picture` to `path` in the format of its suffix.

    Raises DiagnosticError (E080, E081, E082), and then nothing has been written.
    """
    write_atomically(path, encode(picture, format_of(path), theme))


def encode(picture: Picture, format: str, theme: Theme = Theme.LIGHT) -> bytes:
    """The bytes of a picture: svg, png, pdf, dot or mmd. Raises DiagnosticError (E082)."""
    if format == "mmd":
        if not picture.mermaid:
            raise DiagnosticError([Diagnostic("E082", picture.no_mermaid)])
        return picture.mermaid.encode()
    if isinstance(picture.drawn, Canvas):
        if format == "svg":
            return canvas_svg(picture.drawn, theme).encode()
        dot = canvas_dot(picture.drawn, theme)
        return dot.encode() if format == "dot" else _graphviz(dot, format, "nop2")[0]
    if format == "dot":
        return themed_dot(picture.drawn, theme).encode()
    if format == "svg":
        data, title = _graphviz(picture.drawn, format, "dot")
        return finish_svg(data, title, theme_style(theme), picture.links)
    return _graphviz(themed_dot(picture.drawn, theme), format, "dot")[0]


def draw(dot: str, format: str, theme: Theme = Theme.LIGHT) -> bytes:
    """Lay out and draw DOT text as svg, png or pdf; DiagnosticError (E082) if Graphviz cannot."""
    return encode(Picture(dot), format, theme)


def _graphviz(dot: str, format: str, layout: str) -> tuple[bytes, str]:
    """The picture as Graphviz makes it, and its title."""
    import pygraphviz  # noqa: PLC0415 # loads Graphviz, which only drawing needs

    try:
        with _quiet():
            graph = pygraphviz.AGraph(string=dot)
            if layout != "nop2":
                graph.layout(layout)
                raise_titles(graph)
            args = _RESOLUTION.get(format, "")
            data: bytes = graph.draw(format=format, prog="nop2", args=args)
    except ValueError as error:
        message = f"Graphviz cannot draw this: {error}"
        raise DiagnosticError([Diagnostic("E082", message)]) from error
    return data, str(graph.name)


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
