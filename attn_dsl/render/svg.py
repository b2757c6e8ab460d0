"""Graphviz's SVG, made ready to be shown: titled, described, and centred in any font."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.dom.minidom import Document, Element, parseString

from attn_dsl.render.titles import PREFIX

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def finish_svg(data: bytes, title: str) -> bytes:
    """The SVG text `data` with a title, and a description for those who cannot see it."""
    document = parseString(data)
    root = document.documentElement
    assert root is not None
    nodes = [node for node in _groups(root, "node") if not _name(node).startswith(PREFIX)]
    arrows = sum(1 for _ in _groups(root, "edge"))
    for node in nodes:
        _centre(node)
    labels = ", ".join(filter(None, (_text(node) for node in nodes)))
    said = f"A diagram of {len(nodes)} boxes and {arrows} arrows: {labels}."
    for name, text in (("desc", said), ("title", title)):
        root.insertBefore(_element(document, name, text), root.firstChild)
    root.setAttribute("role", "img")
    finished: bytes = document.toxml(encoding="utf-8")
    return finished + b"\n"


def _groups(root: Element, kind: str) -> Iterator[Element]:
    for group in root.getElementsByTagName("g"):
        if group.getAttribute("class") == kind:
            yield group


def _name(group: Element) -> str:
    """Graphviz's title of a node: what DOT calls it."""
    title = group.getElementsByTagName("title")[0].firstChild
    return str(getattr(title, "data", ""))


def _text(group: Element) -> str:
    parts = [node.firstChild for node in group.getElementsByTagName("text")]
    return " ".join(str(getattr(part, "data", "")).strip() for part in parts if part)


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
