"""Flowcharts from a seed: sensible ones as people draw them, and wild ones of every piece."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TypeVar

from pieces import (
    ARROWS,
    BRACKETS,
    CLASSES,
    DATA,
    EDGE_IDS,
    HEADS,
    IDS,
    LABELLED,
    LINE_ENDS,
    OTHERS,
    QUOTED,
    SPACES,
    TEXTS,
    TITLES,
    WILD_EDGE_IDS,
    WILD_IDS,
    WILD_TEXTS,
)

Piece = TypeVar("Piece")
HEAD = "flowchart TD\n"
ID_PLACES = [
    "{}", "{} --> B", "A --> {}", "A & {} --> B", "{}[x]", "{}@{{ op: x }}", "{}:::hot", "A:::{}",
    "style {} fill:red", "class {} hot", "class A {}", "classDef {} fill:red", "click {} f",
    "A {}@--> B", "A {}@--> B\n{}@{{ role: x }}", "subgraph {}\nA\nend", "subgraph {}[t]\nend",
    "subgraph S\n{}\nend", "subgraph S\nA --> {}\nend", "subgraph {}\nA\nend\n{} --> B",
    "subgraph {}\nA\nend\n{}@{{ repeat: 2 }}", "{};A", "A-->{}-->B", "A---{}",
]  # fmt: skip
TEXT_PLACES = [
    "A -- {} --> B", "A == {} ==> B", "A -. {} .-> B", "A --{}--> B", "A=={}==>B", "A-.{}.->B",
    "A <-- {} --> B", "A -- {} --- B", "A -->|{}| B", "A-->|{}|B", "A -.->|{}| B", "A ==>|{}| B",
    "subgraph S[{}]\nA\nend", "subgraph S [{}]\nA\nend", "subgraph {}\nA\nend",
]  # fmt: skip
ARROW_PLACES = ["A {} B", "A{}B", "A {}|x| B", "A {} |x| B", "A e1@{} B", "A\n{}\nB", "A {} B {} C"]
DATA_PLACES = [
    "A@{{{}}}", "A[x]@{{{}}} --> B", "A e1@--> B\ne1@{{{}}}", "subgraph S\nA\nend\nS@{{{}}}",
    "A@{{ a: 1 }}\nA@{{{}}}", "A@{{{}}} & B@{{{}}} --> C",
]  # fmt: skip


def every_piece() -> Iterator[str]:
    """Each piece in each place that takes one like it, in a flowchart of its own."""
    yield from (f"{head}A --> B\n" for head in HEADS)
    yield from _placed([*IDS, *WILD_IDS], ID_PLACES)
    brackets = [f"A{first}{{}}{last}" for first, last in BRACKETS]
    for quotes in ("{}", '"{}"', '"`{}`"'):
        texts = [quotes.format(text) for text in (*TEXTS, *WILD_TEXTS)]
        yield from _placed(texts, [*brackets, *TEXT_PLACES])
    yield from _placed(DATA, DATA_PLACES)
    yield from _placed(ARROWS, ARROW_PLACES)
    yield from _placed([f"A {first} x {last} B" for first, last in LABELLED], ["{}"])
    yield from _placed([f"A{first}x{last}B" for first, last in LABELLED], ["{}"])
    yield from _placed(TITLES, ["subgraph {}\nA --> B\nend\nS --> C", "subgraph {};A;end"])
    yield from _placed(OTHERS, ["{}", "A --> B\n{}\nC", "A;{};B", "subgraph T\n{}\nend"])
    yield from _placed(SPACES, ["A{}-->{}B", "A{}&{}B", "A -->{}|x|{}B", "A{}e1@-->{}B", "{}A{}"])
    yield from _placed([*EDGE_IDS, *WILD_EDGE_IDS], ["A {}--> B", "A{}--> B", "A {}-- x --> B"])
    yield from _placed(CLASSES, ["A{}", "A[x]{} --> B{}", "A{}@{{ a: 1 }}", "A@{{ a: 1 }}{}"])
    yield from _placed(LINE_ENDS, ["A{}B", "subgraph S{}A{}end{}B", "style A fill:#f00{}B"])


def _placed(pieces: list[str], places: list[str]) -> Iterator[str]:
    for place in places:
        count = place.count("{}")
        yield from (f"{HEAD}{place.format(*[piece] * count)}\n" for piece in pieces)


class Flowcharts:
    """Draws flowcharts; `wild` says how often a piece is one that few would write."""

    def __init__(self, random: Random, wild: float) -> None:
        self._random = random
        self._wild = wild

    def flowchart(self) -> str:
        """A header and a body; a few have the line ends of Windows."""
        text = self._pick(HEADS[:6], HEADS) + self._body(self._random.randint(1, 6), 3)
        return text.replace("\n", "\r\n") if self._odd() else text

    def _body(self, count: int, depth: int) -> str:
        return "".join(self._statement(depth) for _ in range(count))

    def _statement(self, depth: int) -> str:
        kind = self._random.random()
        if depth and kind < 0.15:
            statement = self._subgraph(depth - 1)
        elif kind < 0.3:
            statement = self._pick(OTHERS[:16], OTHERS)
        else:
            statement = self._chain()
        indent = self._pick(["    "], ["", " ", "\t", "\n  "])
        return indent + statement + self._pick(["\n"], LINE_ENDS)

    def _subgraph(self, depth: int) -> str:
        body = self._body(self._random.randint(0, 3), depth)
        title, line_end = self._pick(TITLES[:5], TITLES), self._pick(["\n"], ["\n", ";", " \n"])
        return f"subgraph {title}{line_end}{body}end"

    def _chain(self) -> str:
        chain = self._group()
        for _ in range(self._random.choice([0, 1, 1, 1, 2, 3])):
            chain += self._link() + self._group()
        return chain

    def _group(self) -> str:
        boxes = [self._box() for _ in range(self._random.choice([1, 1, 1, 1, 2, 3]))]
        return self._pick([" & "], [" & ", " &  ", "&", " &\n"]).join(boxes)

    def _box(self) -> str:
        id = self._pick(IDS, WILD_IDS)
        kind = self._random.random()
        if kind < 0.5:
            first, last = self._pick(BRACKETS[:6], BRACKETS)
            id += first + self._label() + last
        if self._odd():
            id += self._pick(CLASSES[:4], CLASSES)
        if kind > 0.85 or self._odd():
            id += "@{" + self._pick(DATA[:6], DATA) + "}"
        return id + (self._pick(CLASSES[:4], CLASSES) if self._odd() else "")

    def _label(self) -> str:
        text = self._pick(TEXTS, WILD_TEXTS)
        return self._random.choice(QUOTED).format(text) if self._random.random() < 0.7 else text

    def _link(self) -> str:
        before, after = (self._pick([" "], SPACES) for _ in range(2))
        kind, name = self._random.random(), ""
        if self._random.random() < 0.1:
            name = self._pick(EDGE_IDS, WILD_EDGE_IDS)
        if kind < 0.2:
            first, last = self._pick(LABELLED[:4], LABELLED)
            gap = self._pick([" "], ["", " ", "\n"])
            return f"{before}{name}{first}{gap}{self._label()}{gap}{last}{after}"
        label = f"{self._pick([''], SPACES)}|{self._label()}|" if kind < 0.4 else ""
        return f"{before}{name}{self._pick(ARROWS[:6], ARROWS)}{label}{after}"

    def _odd(self) -> bool:
        return self._random.random() < self._wild / 3

    def _pick(self, usual: list[Piece], all: list[Piece]) -> Piece:
        return self._random.choice(all if self._random.random() < self._wild else usual)
