"""Graphviz's SVG, made ready to be shown: titled, described, and centred in any font."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.dom.minidom import Document, Element, Node, parseString

from attn_dsl.render.titles import PREFIX

_SHIFTS = {"sub": 2.5, "super": -4.0}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


NONE: Mapping[str, tuple[str, ...]] = {}


def finish_svg(data: bytes, style: str = "", links: Mapping[str, tuple[str, ...]] = NONE) -> bytes:
    """Graphviz's SVG text `data` with a description for those who cannot see it.

    `style` is a style sheet, which is put into it unless it is empty; `links` are put on nodes,
    by their names (see `attn_dsl/links.py`).
    """
    document = parseString(data)
    root = document.documentElement
    assert root is not None
    nodes = [node for node in _groups(root, "node") if not _name(node).startswith(PREFIX)]
    for group in (*nodes, *_groups(root, "edge")):
        _join_lines(document, group)
    for node in nodes:
        _centre(node)
        if found := links.get(_name(node)):
            node.setAttribute("data-link", " ".join(found))
    if style:
        root.insertBefore(_element(document, "style", f"\n{style}"), root.firstChild)
    labels = "; ".join(filter(None, (_text(node) for node in nodes)))
    title = _name(next(_groups(root, "graph")))
    for name, text in (("desc", f"A diagram with the boxes {labels}."), ("title", title)):
        root.insertBefore(_element(document, name, text), root.firstChild)
    root.setAttribute("role", "img")
    finished: bytes = document.toxml(encoding="utf-8")
    return finished + b"\n"


def _groups(root: Element, kind: str) -> Iterator[Element]:
    for group in root.getElementsByTagName("g"):
        if kind in group.getAttribute("class").split():
            yield group


def _name(group: Element) -> str:
    """Graphviz's title of a node: what DOT calls it."""
    title = group.getElementsByTagName("title")[0].firstChild
    return str(getattr(title, "data", ""))


def _text(group: Element) -> str:
    return " ".join(" ".join(map(_data, group.getElementsByTagName("text"))).split())


def _data(element: Node) -> str:
    parts = [getattr(part, "data", "") or _data(part) for part in element.childNodes]
    return "".join(map(str, parts))


def _join_lines(document: Document, group: Element) -> None:
    """Make one text of the pieces of a line, so that they stay together in any font."""
    lines: dict[str, list[Element]] = {}
    for text in group.getElementsByTagName("text"):
        lines.setdefault(text.getAttribute("y"), []).append(text)
    for first, *others in lines.values():
        height = 0.0
        for piece in others:
            span = _element(document, "tspan", _data(piece))
            wanted = _SHIFTS.get(piece.getAttribute("baseline-shift"), 0.0)
            span.setAttribute("dy", f"{wanted - height:g}")
            span.setAttribute("font-size", piece.getAttribute("font-size"))
            height = wanted
            first.appendChild(span)
            group.removeChild(piece)


def _element(document: Document, name: str, text: str) -> Element:
    element = document.createElement(name)
    element.appendChild(document.createTextNode(text))
    return element


def _centre(node: Element) -> None:
    """Anchor the lines of a label with two sizes at their middle.

    Graphviz places their left ends, which is off as soon as the viewer has another font.
    """
    middle = _middle(node)
    for text in node.getElementsByTagName("text"):
        if middle is not None and text.getAttribute("text-anchor") == "start":
            text.setAttribute("text-anchor", "middle")
            text.setAttribute("x", f"{middle:.2f}")


def _middle(node: Element) -> float | None:
    """The middle of a node's outline from left to right, if it has one."""
    for ellipse in node.getElementsByTagName("ellipse"):
        return float(ellipse.getAttribute("cx"))
    for name, attribute in (("path", "d"), ("polygon", "points")):
        for outline in node.getElementsByTagName(name):
            left = [float(n) for n in _NUMBER.findall(outline.getAttribute(attribute))[::2]]
            return (min(left) + max(left)) / 2
    return None
