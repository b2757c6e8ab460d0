"""A canvas as SVG: the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from attn_dsl.render.canvas import (
    Canvas,
    Group,
    Item,
    Label,
    Lines,
    Patches,
    Point,
    Rect,
    arrow_head,
    label_pieces,
)
from attn_dsl.render.labels import printable
from attn_dsl.render.palette import FONT, MONOSPACE, PLAIN
from attn_dsl.render.theme import Theme, theme_style

SHIFTS = {"SUB": 0.22, "SUP": -0.36, "": 0.0}
"""How far below the baseline an index stands, as a part of the letters' size."""


def canvas_svg(canvas: Canvas, theme: Theme = Theme.LIGHT) -> str:
    """The SVG text, with its title and description."""
    width, height = _number(canvas.width), _number(canvas.height)
    style = theme_style(theme)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(FONT)}>',
        f"<title>{_text(canvas.title)}</title>",
        f"<desc>{_text(canvas.description)}</desc>",
        *([f"<style>\n{style}</style>"] if style else []),
        f'<g><rect width="{width}" height="{height}" fill="{PLAIN}"/></g>',
        "<g>",
        *_items(canvas.items),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _items(items: tuple[Item, ...]) -> Iterator[str]:
    for item in items:
        match item:
            case Group():
                yield from _group(item)
            case Rect():
                yield _rect(item)
            case Patches():
                yield _patches(item)
            case Lines():
                yield from _lines(item)
            case Label():
                yield _label(item)


def _group(group: Group) -> Iterator[str]:
    kind = f" class={quoteattr(group.kind)}" if group.kind else ""
    data = "".join(f" data-{key}={quoteattr(printable(v))}" for key, v in group.data.items())
    yield f"<g{kind}{data}>"
    if group.title:
        yield f"<title>{_text(group.title)}</title>"
    yield from _items(group.items)
    yield "</g>"


def _rect(rect: Rect) -> str:
    place = (("x", rect.x), ("y", rect.y), ("width", rect.width), ("height", rect.height))
    found = "".join(f' {name}="{_number(value)}"' for name, value in place)
    if rect.radius:
        found += f' rx="{_number(rect.radius)}"'
    found += f' fill="{rect.fill or "none"}"'
    if rect.fill:
        found += _opacity(rect.opacity)
    return f"<rect{found}{_stroke(rect.stroke, rect.thick, rect.dashed)}/>"


def _patches(patches: Patches) -> str:
    path = "".join(
        f"M{_number(x)} {_number(y)}h{_number(width)}v{_number(height)}h{_number(-width)}z"
        for x, y, width, height in patches.places
    )
    return f'<path d="{path}" fill="{patches.fill}"{_opacity(patches.opacity)}/>'


def _opacity(opacity: float) -> str:
    return f' fill-opacity="{_number(opacity)}"' if opacity < 1 else ""


def _lines(lines: Lines) -> Iterator[str]:
    path = "".join(_path(points) for points in lines.paths)
    stroke = _stroke(lines.stroke, lines.thick, lines.dashed)
    yield f'<path d="{path}" fill="none"{stroke}/>'
    if lines.arrow:
        heads = "".join(f"{_path(arrow_head(points))}z" for points in lines.paths)
        yield f'<path d="{heads}" fill="{lines.stroke}"/>'


def _path(points: tuple[Point, ...]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _stroke(stroke: str, thick: float, dashed: bool) -> str:
    if not stroke:
        return ""
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    width = f' stroke-width="{_number(thick)}"' if thick != 1 else ""
    return f' stroke="{stroke}"{width}{dash}'


def _label(label: Label) -> str:
    found = f' x="{_number(label.x)}" y="{_number(label.y)}" font-size="{_number(label.size)}"'
    if label.anchor != "start":
        found += f' text-anchor="{label.anchor}"'
    if label.bold:
        found += ' font-weight="bold"'
    if label.mono:
        found += f" font-family={quoteattr(MONOSPACE)}"
    return f'<text{found} fill="{label.color}">{"".join(_pieces(label))}</text>'


def _pieces(label: Label) -> Iterator[str]:
    """The text, with its indices smaller and off the line, and the line as it was after them."""
    height = 0.0
    for text, mark in label_pieces(label):
        wanted = SHIFTS[mark] * label.size
        if not text:
            continue
        if wanted == height:
            yield escape(text)
            continue
        size = f' font-size="{_number(label.size * 0.72)}"' if mark else ""
        yield f'<tspan dy="{_number(wanted - height)}"{size}>{escape(text)}</tspan>'
        height = wanted


def _text(text: str) -> str:
    return escape(printable(text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
