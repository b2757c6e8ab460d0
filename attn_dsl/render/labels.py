"""What a label says, in lines of plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from attn_dsl.ir import parse_type
from attn_dsl.syntax import Diagram, Text, repair

_BREAK = re.compile(r"\s*<br\s*/?>\s*|\s*\n\s*", re.IGNORECASE)
_TAG = re.compile(r"</?(?:b|strong|i|em|u|s|small|big|span|code)\s*/?>", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|\*|__|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_MARKED = re.compile(r"(?<=\w)<(sub|sup)>(\w+)</\1>", re.IGNORECASE)
_INDEX = re.compile(r"(?<!\w.)(?<=[A-Za-zα-ωΑ-Ω])([_^])([a-z0-9]{1,5}|[A-Z])(?!\w)")
_MARKS = {"_": "SUB", "^": "SUP"}


@dataclass(frozen=True)
class Label:
    """The lines of a label, and the type that is written small below them."""

    lines: tuple[str, ...]
    type: str = ""


def read_label(text: Text, type_: str = "") -> Label:
    """The label `text`; a type in it, as in `NAME : TYPE`, stands below the name."""
    shown = text.text
    if text.markdown:
        shown = _EMPHASIS.sub(r"\2", shown)
    name, _, rest = shown.partition(":")
    if name.strip() and _is_type(rest):
        return Label(to_lines(name.strip()), type_ or rest.strip())
    return Label(to_lines(shown), type_)


def untyped(diagram: Diagram) -> Diagram:
    """The drawing with `NAME` where a label is `NAME : TYPE`."""
    labels = {id: (node.label, read_label(node.label)) for id, node in diagram.nodes.items()}
    nodes = {
        id: replace(diagram.nodes[id], label=Text("<br>".join(read.lines), label.span))
        for id, (label, read) in labels.items()
        if read.type
    }
    return replace(diagram, nodes={**diagram.nodes, **nodes})


def to_lines(text: str) -> tuple[str, ...]:
    """Lines at each `<br>`, without inline tags; indices as in `d_k` and `K^T`."""
    marked = _MARKED.sub(lambda tag: "_^"[tag[1].lower() == "sup"] + tag[2], repair(text))
    return tuple(printable(line) for line in _BREAK.split(_TAG.sub("", marked).strip()))


def split_indices(line: str) -> list[tuple[str, str]]:
    """The pieces of a line, each with `SUB`, `SUP`, or nothing for what stands on the line."""
    pieces, at = [], 0
    for index in _INDEX.finditer(line):
        pieces += [(line[at : index.start()], ""), (index[2], _MARKS[index[1]])]
        at = index.end()
    return [*pieces, (line[at:], "")]


def _is_type(text: str) -> bool:
    try:
        parse_type(text)
    except ValueError:
        return False
    return True


def printable(text: str) -> str:
    """Runs of spaces are one, as in Mermaid; control characters would make XML nobody reads."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
