"""Labels and arrows as Mermaid spells them: the way back from what `parse` reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax.flowchart import parse
from attn_dsl.syntax.labels import decode

BRACKETS = {
    "square": ("[", "]"),
    "round": ("(", ")"),
    "stadium": ("([", "])"),
    "subroutine": ("[[", "]]"),
    "cylinder": ("[(", ")]"),
    "circle": ("((", "))"),
    "doublecircle": ("(((", ")))"),
    "ellipse": ("(-", "-)"),
    "diamond": ("{", "}"),
    "hexagon": ("{{", "}}"),
    "odd": (">", "]"),
    "lean_right": ("[/", "/]"),
    "lean_left": ("[\\", "\\]"),
    "trapezoid": ("[/", "\\]"),
    "inv_trapezoid": ("[\\", "/]"),
}
"""What stands around the label of a box, by its shape."""

_LINES = {"normal": ("--", "-"), "thick": ("==", "="), "dotted": ("-.-", "")}
_HEADS = {"point": ">", "circle": "o", "cross": "x", "open": ""}
_TAILS = {"point": "<", "circle": "o", "cross": "x"}
_KEPT = re.compile(r"(</?(?:br|b|strong|i|em|u|s|small|sub|sup|span|code)\s*/?>)", re.IGNORECASE)
# What mermaid would read as something else: a quote, an entity, a tag, a comment, a direction.
_RISKY = re.compile(
    r'["`]|#(?=\w+;)|&(?=#?\w)|<(?=[\w/!?])|(?<=%)%|d(?=irection\s+(?:TB|BT|RL|LR|TD))'
)
_NAMES = {'"': "#quot;", "&": "#amp;", "<": "#lt;", ">": "#gt;"}
_PLAIN = re.compile(r"(?! )(?:[\w .,:;+*/()\[\]{}|=>!?√·×ᵀ-]|<(?=[ =]))+(?<! )")
KEYWORDS = re.compile(r"direction|style|classDef")


def spell_label(text: str, *, markdown: bool = False, written: str = "") -> str:
    """The label, between quotes, that mermaid shows as `text`; as `written` if it does."""
    mark = "`" if markdown else ""
    label = ""
    for raw in _candidates(text, written):
        label = f'"{mark}{raw or " "}{mark}"'
        if _shown(label) == text:
            break
    return label


def spell_arrow(stroke: str, arrow: str) -> str:
    """An arrow by mermaid's names of its stroke and of its heads."""
    if stroke == "invisible":
        return "~~~"
    kind = arrow.removeprefix("double_").removeprefix("arrow_")
    line, end = _LINES[stroke]
    tail = _TAILS[kind] if arrow.startswith("double_") else ""
    return f"{tail}{line}{_HEADS[kind] or end}"


def _candidates(text: str, written: str) -> Iterator[str]:
    """Ways to write `text`, the most readable first."""
    if written:
        yield written
    parts = _KEPT.split(text)
    parts[::2] = map(_lightly, parts[::2])
    yield "".join(parts)
    yield _lightly(text)
    yield _as_entities(text)


def _lightly(text: str) -> str:
    return _RISKY.sub(lambda risk: _entity(risk[0]), text)


def _as_entities(text: str) -> str:
    """Letters, digits and spaces as they are, but for those of words that mermaid looks for."""
    inside = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    keywords = {before + found.start() for found in KEYWORDS.finditer(inside)}
    return "".join(
        char
        if i not in keywords and (char.isalnum() or (char == " " and 0 < i < len(text) - 1))
        else _entity(char)
        for i, char in enumerate(text)
    )


def _entity(char: str) -> str:
    """`char` by name or number; as it is where its number stands for another character."""
    if char in _NAMES:
        return _NAMES[char]
    number = f"#{ord(char)};"
    return number if decode(number) == char else char


def _shown(label: str) -> str | None:
    """What mermaid shows for a label; None where it cannot be read."""
    text = label[1:-1]
    if _PLAIN.fullmatch(text) and not KEYWORDS.search(text):
        return text
    try:
        box = parse(Source("", f"flowchart\nA[{label}]\n")).nodes["A"]
    except (DiagnosticError, KeyError):
        return None
    return box.label.text if box.label.shown is None else box.label.shown
