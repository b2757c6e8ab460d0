"""A text to what its rules build, by LALR tables and the terminals that each state allows."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from attn_dsl.grammars.stack import END, Rule
from attn_dsl.grammars.tables import Tables

Build = Callable[[str, list[Any], int, int], Any]
"""Makes the value of a rule, from its name, its children, and where it begins and ends."""


class Token(str):
    """A piece of text, which terminal it is, and where it stands."""

    __slots__ = ("end", "start", "type")
    type: str
    start: int
    end: int

    def __new__(cls, type: str, text: str, start: int) -> Token:
        """The terminal `type`, found at `start`."""
        token = super().__new__(cls, text)
        token.type, token.start, token.end = type, start, start + len(text)
        return token


class Unexpected(Exception):
    """A text makes no sense from `at` on, where one of `expected` might have stood.

    `tokens` were read before; `token` is what stands there, None if nothing was read there.
    """

    def __init__(
        self, at: int, tokens: list[Token], expected: Set[str], token: Token | None
    ) -> None:
        super().__init__(f"unexpected text at {at}")
        self.at, self.tokens, self.expected, self.token = at, tokens, expected, token


def parse(
    tables: Tables,
    start: str,
    text: str,
    position: int,
    build: Build,
    last: Set[str] = frozenset(),
    most: int = 1_000_000,
) -> tuple[Any, list[Token]]:
    """Read a `start` at `position`, up to the first token whose type is in `last`, else to the end.

    Returns its value and its tokens; raises `Unexpected`, also where there are more than `most`
    tokens. Takes no recursion, however deep the
    text nests.
    """
    run = _Run(tables, start, build)
    tokens, ignored = run.tokens, tables.ignored
    while position < len(text):
        token = run.next_token(text, position)
        position = token.end
        if token.type in ignored:
            continue
        if len(tokens) >= most:
            raise Unexpected(token.start, tokens, frozenset(), token)
        run.feed(token)
        tokens.append(token)
        if token.type in last:
            break
    run.feed(Token(END, "", len(text) if not tokens or tokens[-1].type not in last else position))
    return run.values[0], tokens


class _Run:
    """One parse: its stack of states, and for each symbol on it the value and the place."""

    def __init__(self, tables: Tables, start: str, build: Build) -> None:
        self._tables, self._build = tables, build
        self._stack = tables.stacks[start]
        self._final = tables.starts[start][1]
        self._places: list[tuple[int, int]] = []
        self.values: list[Any] = []
        self.tokens: list[Token] = []

    def next_token(self, text: str, position: int) -> Token:
        """The token at `position` that the state allows."""
        lexer = self._tables.lexers[self._stack.state]
        found = lexer.match(text, position)
        if found is None:
            raise self._unexpected(position, None)
        kind = found.lastgroup or ""
        if kind in lexer.words:
            kind = lexer.words[kind].get(found[0], kind)
        return Token(kind, found[0], position)

    def feed(self, token: Token) -> None:
        """Reduce what `token` completes, then shift it; at the end, reduce all."""
        kind = token.type
        step = self._stack.steps.get(kind)
        if step is None:
            tables = self._tables
            step = self._stack.step(tables.actions, tables.rules, kind, self._final)
        for rule in step.rules:
            self._reduce(rule, token.start)
        self._stack = step.stack
        if step.stuck:
            raise self._unexpected(token.start, None if kind == END else token)
        self.values.append(token)
        self._places.append((token.start, token.end))

    def _reduce(self, rule: Rule, here: int) -> None:
        """Put what `rule` makes of the last values in their place."""
        values, places, size = self.values, self._places, rule.size
        if size == 0:
            children: list[Any] = []
            places.append((here, here))
        else:
            children = rule.kept(values[-size:])
            del values[-size:]
            if size > 1:
                places[-size:] = [(places[-size][0], places[-1][1])]
        if rule.inline:
            values.append(children)
        elif rule.single and len(children) == 1:
            values.append(children[0])
        else:
            values.append(self._build(rule.name, children, *places[-1]))

    def _unexpected(self, at: int, token: Token | None) -> Unexpected:
        actions = self._tables.actions[self._stack.state]
        return Unexpected(at, self.tokens, {name for name in actions if name.isupper()}, token)
