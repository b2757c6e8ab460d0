"""SVG text made ready to stand within HTML: no names that two pictures share, and buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.dom.minidom import Element, Node, parseString

_REFERENCE = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")
GRAPHVIZ = {"graph", "node", "edge", "cluster"}
"""Its groups, whose titles are names of DOT and not for readers."""


def inline_svg(svg: str, prefix: str) -> str:
    """The `svg` element alone, its ids beginning with `prefix`, its parts with links as buttons.

    Where there are any it is a group, since nothing within an image can be reached.
    """
    root = parseString(svg).documentElement
    assert root is not None
    buttons = [element for element in _elements(root) if element.hasAttribute("data-link")]
    for element in list(_elements(root)):
        _rename(element, prefix)
        if GRAPHVIZ & set(element.getAttribute("class").split()):
            _drop_title(element)
    for element in buttons:
        _button(element)
    if buttons:
        root.setAttribute("role", "group")
        root.setAttribute("aria-label", _child_text(root, "title"))
        _drop_title(root)  # it would be shown wherever the mouse rests
    return str(root.toxml())


def _elements(node: Element) -> Iterator[Element]:
    """`node` and all below it, without its comments."""
    yield node
    for child in list(node.childNodes):
        if isinstance(child, Element):
            yield from _elements(child)
        elif child.nodeType == Node.COMMENT_NODE:
            node.removeChild(child)


def _rename(element: Element, prefix: str) -> None:
    for name, value in list(element.attributes.items()):
        if name == "id":
            element.setAttribute(name, f"{prefix}-{value}")
        elif name in ("href", "xlink:href") or "url(#" in value:
            element.setAttribute(name, _REFERENCE.sub(lambda m: f"{prefix}-{m[0]}", value))


def _button(element: Element) -> None:
    label = _child_text(element, "title") or _words(element)
    if label:
        element.setAttribute("aria-label", label)
    for name, value in (("role", "button"), ("tabindex", "-1"), ("aria-pressed", "false")):
        element.setAttribute(name, value)


def _drop_title(element: Element) -> None:
    for child in _children(element, "title"):
        element.removeChild(child)


def _children(element: Element, tag: str) -> list[Element]:
    return [c for c in element.childNodes if isinstance(c, Element) and c.tagName == tag]


def _child_text(element: Element, tag: str) -> str:
    return " ".join(" ".join(map(_text, _children(element, tag))).split())


def _words(element: Element) -> str:
    """What is written in a part of a picture."""
    return " ".join(" ".join(map(_text, element.getElementsByTagName("text"))).split())


def _text(node: Node) -> str:
    return str(getattr(node, "data", "")) or "".join(map(_text, node.childNodes))
