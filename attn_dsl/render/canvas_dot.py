"""A canvas as DOT: the ground of an empty graph, which Graphviz draws as PNG and PDF.

Graphviz's drawing operations (xdot) know rectangles, lines and texts, in points from the bottom
left corner. A pixel becomes a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attn_dsl.render.canvas import (
    Canvas,
    Label,
    Lines,
    Patches,
    Point,
    Rect,
    arrow_head,
    flat,
    label_pieces,
)
from attn_dsl.render.labels import printable
from attn_dsl.render.palette import DARK, PLAIN
from attn_dsl.render.theme import Theme

ANCHORS = {"start": -1, "middle": 0, "end": 1}
INDICES = {
    "SUB": dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)),
    "SUP": dict(zip("0123456789Tn", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀⁿ", strict=True)),
}
"""Letters below and above the line, as far as they exist."""

SIGNS = {"SUB": "_", "SUP": "^"}

BACKSLASH = "\N{SET MINUS}"
"""In its place: before a quote DOT would take a real one for an escape."""

PIECE = 2000
"""Letters of a string: Graphviz refuses one of more than 16,384 bytes."""


def canvas_dot(canvas: Canvas, theme: Theme = Theme.LIGHT) -> str:
    """DOT text to be drawn where it lies, without a layout."""
    colors = DARK if theme is Theme.DARK else {}
    drawn = "\n".join(_operations(canvas, colors))  # Graphviz reads no line of above 16 kB
    size = f"{canvas.width:g},{canvas.height:g}"
    corner = 'style=invis, label="", shape=point, width=0.001'
    return (
        f"digraph {_quoted(printable(canvas.title).replace(chr(92), BACKSLASH))} {{\n"
        f'graph [_background={_quoted(drawn)}, bb="0,0,{size}", pad=0, layout=nop2, '
        f'bgcolor="{colors.get(PLAIN, PLAIN)}"]\n'
        f'a [pos="0,0", {corner}]\n'
        f'b [pos="{size}", {corner}]\n'
        "}\n"
    )


def _operations(canvas: Canvas, colors: Mapping[str, str]) -> Iterator[str]:
    for item in flat(canvas.items):
        match item:
            case Rect():
                yield from _rect(item, canvas.height, colors)
            case Patches():
                yield from _patches(item, canvas.height, colors)
            case Lines():
                yield from _lines(item, canvas.height, colors)
            case Label():
                yield from _label(item, canvas.height, colors)


def _rect(rect: Rect, height: float, colors: Mapping[str, str]) -> Iterator[str]:
    right, bottom = rect.x + rect.width, rect.y + rect.height
    corners = ((rect.x, rect.y), (right, rect.y), (right, bottom), (rect.x, bottom))
    points = _points(corners, height)
    if rect.fill:
        alpha = "" if rect.opacity >= 1 else f"{round(255 * rect.opacity):02x}"
        fill = colors.get(rect.fill, rect.fill) + alpha
        yield f"c {_counted('#00000000')} C {_counted(fill)} P {points}"
    if rect.stroke:
        yield f"{_pen(rect.stroke, rect.thick, rect.dashed, colors)} p {points}"


def _patches(patches: Patches, height: float, colors: Mapping[str, str]) -> Iterator[str]:
    for x, y, wide, high in patches.places:
        rect = Rect(x, y, wide, high, patches.fill, opacity=patches.opacity)
        yield from _rect(rect, height, colors)


def _lines(lines: Lines, height: float, colors: Mapping[str, str]) -> Iterator[str]:
    yield _pen(lines.stroke, lines.thick, lines.dashed, colors)
    yield from (f"L {_points(path, height)}" for path in lines.paths)
    if lines.arrow:
        yield f"C {_counted(colors.get(lines.stroke, lines.stroke))}"
        yield from (f"P {_points(arrow_head(path), height)}" for path in lines.paths)


def _label(label: Label, height: float, colors: Mapping[str, str]) -> Iterator[str]:
    pieces = label_pieces(label)
    text = "".join(_index(piece, mark) for piece, mark in pieces)
    text = text.replace("\\", BACKSLASH)
    font = "Courier" if label.mono else "Helvetica"
    flags = f"t {int(label.bold)}"
    yield f"c {_counted(colors.get(label.color, label.color))}"
    yield f"F {label.size:g} {_counted(font)} {flags}"
    yield f"T {label.x:.2f} {height - label.y:.2f} {ANCHORS[label.anchor]} 0 {_counted(text)}"


def _index(text: str, mark: str) -> str:
    """The letters off the line; as they are written, if one of them does not exist there."""
    if not mark:
        return text
    found = [INDICES[mark].get(char, "") for char in text]
    return "".join(found) if all(found) else f"{SIGNS[mark]}{text}"


def _pen(stroke: str, thick: float, dashed: bool, colors: Mapping[str, str]) -> str:
    style = "dashed" if dashed else "solid"
    width = f"setlinewidth({thick:g})"
    color = _counted(colors.get(stroke, stroke))
    return f"S {_counted(style)} S {_counted(width)} c {color}"


def _points(points: tuple[Point, ...], height: float) -> str:
    return f"{len(points)} " + " ".join(f"{x:.2f} {height - y:.2f}" for x, y in points)


def _counted(text: str) -> str:
    """A text as xdot has it: the number of its bytes before it."""
    return f"{len(text.encode())} -{text}"


def _quoted(text: str) -> str:
    """A DOT string, in which a quote alone has to be escaped; a long one as a sum of pieces."""
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]
    return " + ".join('"{}"'.format(piece.replace('"', '\\"')) for piece in pieces)
