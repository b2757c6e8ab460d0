"""Pictures as files: the suffix says in which format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.files import write_atomically
from attn_dsl.render.canvas import Canvas
from attn_dsl.render.canvas_dot import canvas_dot
from attn_dsl.render.canvas_svg import canvas_svg
from attn_dsl.render.layout import graphviz
from attn_dsl.render.svg import finish_svg
from attn_dsl.render.theme import Theme, theme_style, themed_dot

TEXTS = ("dot", "mmd")
PICTURES = ("svg", "png", "pdf")
FORMATS = (*PICTURES, *TEXTS)


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

    Raises DiagnosticError (E080 to E085), and then nothing has been written.
    """
    write_atomically(path, encode(picture, format_of(path), theme))


def encode(picture: Picture, format: str, theme: Theme = Theme.LIGHT) -> bytes:
    """The bytes of a picture: svg, png, pdf, dot or mmd. Raises DiagnosticError (E082 to E085)."""
    if format == "mmd":
        if not picture.mermaid:
            raise DiagnosticError([Diagnostic("E085", picture.no_mermaid)])
        return picture.mermaid.encode()
    if isinstance(picture.drawn, Canvas):
        if format == "svg":
            return canvas_svg(picture.drawn, theme).encode()
        dot = canvas_dot(picture.drawn, theme)
        return dot.encode() if format == "dot" else graphviz(dot, format, "nop2")
    if format == "dot":
        return themed_dot(picture.drawn, theme).encode()
    if format == "svg":
        return finish_svg(graphviz(picture.drawn, format), theme_style(theme), picture.links)
    return graphviz(themed_dot(picture.drawn, theme), format)


def draw(dot: str, format: str, theme: Theme = Theme.LIGHT) -> bytes:
    """Lay out and draw DOT text as svg, png or pdf; DiagnosticError if Graphviz cannot."""
    return encode(Picture(dot), format, theme)
