"""The tables of a grammar, read from the file that `python -m attn_dsl.grammars` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from zlib import crc32

END = "$END"


class Lexer:
    """The terminals that a parser state allows, as one pattern, best first.

    `words` maps a terminal's name to those of its texts that are another terminal.
    """

    def __init__(self, pattern: str, words: Mapping[str, Mapping[str, str]]) -> None:
        self.pattern = pattern
        self.words = words

    @cached_property
    def match(self) -> re.Pattern[str]:
        """Compiled when it is first needed: most files need few of them."""
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Rule:
    """A reduction: of `size` symbols the kept ones, some of them spliced in, make a `name`.

    `symbols` has a letter for each: `k` kept, `s` spliced, `x` dropped. A rule that is `inline`
    is itself spliced into another; one that is `single` adds nothing to an only child.
    """

    origin: str
    name: str
    symbols: str
    inline: bool
    single: bool

    @cached_property
    def passes(self) -> bool:
        """Whether it only gives its one symbol another name."""
        return self.single and self.symbols == "k"


@dataclass(frozen=True)
class Tables:
    """`actions[state][symbol]` is a state to go to, or the complement of a rule's number."""

    starts: Mapping[str, tuple[int, int]]
    actions: tuple[Mapping[str, int], ...]
    lexers: tuple[Lexer, ...]
    root: Lexer
    rules: tuple[Rule, ...]
    ignored: frozenset[str]

    def at(self, text: str, position: int) -> str | None:
        """What terminal of any kind stands at `position`."""
        found = self.root.match.match(text, position)
        return found[0] if found else None


@cache
def tables(name: str) -> Tables:
    """The tables of the grammar `name`, such as `"expression"`.

    Where somebody is just changing the grammar, they are made anew.
    """
    folder = files(__package__)
    found = json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
    if found["grammar"] != crc32(folder.joinpath(f"{name}.lark").read_bytes()):
        from attn_dsl.grammars.generate import generate  # noqa: PLC0415  (takes Lark with it)

        found = json.loads(generate(name))
    lexers = [Lexer(pattern, words) for pattern, words in found["lexers"]]
    return Tables(
        {start: (first, last) for start, (first, last) in found["starts"].items()},
        tuple(actions for _, actions in found["states"]),
        tuple(lexers[lexer] for lexer, _ in found["states"]),
        lexers[found["root"]],
        tuple(Rule(*rule) for rule in found["rules"]),
        frozenset(found["ignored"]),
    )
