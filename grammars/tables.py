"""The tables of a grammar, read from the file that `python -m attn_dsl.grammars` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from zlib import crc32

from attn_dsl.grammars.stack import Rule, Stack


class Lexer:
    """The terminals that a parser state allows, as one pattern, best first.

    `words` maps a terminal's name to those of its texts that are another terminal.
    """

    def __init__(self, pattern: str, words: Mapping[str, Mapping[str, str]]) -> None:
        self.pattern = pattern
        self.words = words

    @cached_property
    def match(self) -> Callable[[str, int], re.Match[str] | None]:
        """Matches a text at an offset; compiled when first needed, as most files need few."""
        return re.compile(self.pattern).match


@dataclass(frozen=True)
class Tables:
    """`actions[state][symbol]` is a state to go to, or the complement of a rule's number."""

    starts: Mapping[str, tuple[int, int]]
    actions: tuple[Mapping[str, int], ...]
    lexers: tuple[Lexer, ...]
    root: Lexer
    rules: tuple[Rule, ...]
    ignored: frozenset[str]

    @cached_property
    def stacks(self) -> Mapping[str, Stack]:
        """For each start, the stack that holds its first state alone."""
        return {start: Stack(None, first) for start, (first, _) in self.starts.items()}

    def at(self, text: str, position: int) -> str | None:
        """What terminal of any kind stands at `position`."""
        found = self.root.match(text, position)
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
