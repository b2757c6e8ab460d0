"""A text to what its rules build, by LALR tables and the terminals that each state allows."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from attn_dsl.grammars.tables import END, Rule, Tables

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
    tokens = run.tokens
    while position < len(text):
        token = run.next_token(text, position)
        position = token.end
        if token.type in tables.ignored:
            continue
        if len(tokens) >= most:
            raise Unexpected(token.start, tokens, frozenset(), token)
        run.feed(token)
        tokens.append(token)
        if token.type in last:
            break
    run.feed(Token(END, "", len(text) if not tokens or tokens[-1].type not in last else position))
    return run.values[-1], tokens


class _Run:
    """The stacks of one parse: states, and for each symbol its value and its place."""

    def __init__(self, tables: Tables, start: str, build: Build) -> None:
        first, self._final = tables.starts[start]
        self._tables, self._build = tables, build
        self._states = [first]
        self._places: list[tuple[int, int]] = []
        self.values: list[Any] = []
        self.tokens: list[Token] = []

    def next_token(self, text: str, position: int) -> Token:
        """The token at `position` that the state allows."""
        lexer = self._tables.lexers[self._states[-1]]
        found = lexer.match.match(text, position)
        if found is None:
            raise self._unexpected(position, None)
        kind = found.lastgroup or ""
        if kind in lexer.words:
            kind = lexer.words[kind].get(found[0], kind)
        return Token(kind, found[0], position)

    def feed(self, token: Token) -> None:
        """Reduce what `token` completes, then shift it; at the end, reduce all."""
        actions, states = self._tables.actions, self._states
        while True:
            action = actions[states[-1]].get(token.type)
            if action is None:
                raise self._unexpected(token.start, None if token.type == END else token)
            if action >= 0:
                states.append(action)
                self.values.append(token)
                self._places.append((token.start, token.end))
                return
            self._reduce(self._tables.rules[~action], token.start)
            if token.type == END and states[-1] == self._final:
                return

    def _reduce(self, rule: Rule, here: int) -> None:
        if rule.passes:
            self._states[-1] = self._tables.actions[self._states[-2]][rule.origin]
            return
        size = len(rule.symbols)
        children: list[Any] = []
        place = (here, here)
        if size:
            for kind, value in zip(rule.symbols, self.values[-size:], strict=True):
                if kind == "k":
                    children.append(value)
                elif kind == "s":
                    # The list of a repetition grows; copied each time, it would take squares.
                    children = value if not children else children + value
            place = (self._places[-size][0], self._places[-1][1])
            del self.values[-size:], self._places[-size:], self._states[-size:]
        if rule.inline:
            self.values.append(children)
        elif rule.single and len(children) == 1:
            self.values.append(children[0])
        else:
            self.values.append(self._build(rule.name, children, *place))
        self._places.append(place)
        self._states.append(self._tables.actions[self._states[-1]][rule.origin])

    def _unexpected(self, at: int, token: Token | None) -> Unexpected:
        expected = {name for name in self._tables.actions[self._states[-1]] if name.isupper()}
        return Unexpected(at, self.tokens, expected, token)
