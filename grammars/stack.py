"""The stacks of states of an LALR parser, each made once, with what tokens do to it.

Which rules a token completes depends on the states alone, and most statements of a file have
one of a few forms: nearly all steps of the parser have been taken before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

END = "$END"
MAX_DEPTH = 100
"""Higher stacks are not remembered: a text that nests deeply would fill the memory."""


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
    def size(self) -> int:
        """Of how many symbols it is made."""
        return len(self.symbols)

    @cached_property
    def passes(self) -> bool:
        """Whether it only gives its one symbol another name."""
        return self.single and self.symbols == "k"

    def kept(self, values: list[Any]) -> list[Any]:
        """Those of its symbols' values that count; `values` itself, if all do."""
        if self._all:
            return values
        children: list[Any] = []
        for kind, value in zip(self.symbols, values, strict=True):
            if kind == "k":
                children.append(value)
            elif kind == "s":
                # The list of a repetition grows; copied each time, it would take squares.
                children = value if not children else children + value
        return children

    @cached_property
    def _all(self) -> bool:
        return set(self.symbols) == {"k"}


@dataclass(frozen=True)
class Step:
    """What a token does: the rules that it completes, and the stack after it.

    Where it is `stuck`, the token cannot follow, and the stack is the one that says so.
    """

    rules: tuple[Rule, ...]
    stack: Stack
    stuck: bool = False


class Stack:
    """The state on top, and the stack below it; `steps` are those by the tokens met so far."""

    __slots__ = ("_depth", "_higher", "below", "state", "steps")

    def __init__(self, below: Stack | None, state: int) -> None:
        self.below = below
        self.state = state
        self.steps: dict[str, Step] = {}
        self._depth: int = below._depth + 1 if below else 0
        self._higher: dict[int, Stack] = {}

    def step(
        self, actions: Sequence[Mapping[str, int]], rules: Sequence[Rule], token: str, last: int
    ) -> Step:
        """Reduce and shift by the parser's tables; the end is accepted in the state `last`."""
        stack, completed = self, []
        while (action := actions[stack.state].get(token)) is not None and action < 0:
            rule = rules[~action]
            if not rule.passes:  # these change no value
                completed.append(rule)
            stack = stack._without(rule.size)
            stack = stack._push(actions[stack.state][rule.origin])
            if token == END and stack.state == last:
                action = last
                break
        step = Step(tuple(completed), stack, stuck=action is None)
        if action is not None and token != END:
            step = Step(step.rules, stack._push(action))
        if self._depth < MAX_DEPTH:
            self.steps[token] = step
        return step

    def _push(self, state: int) -> Stack:
        higher = self._higher.get(state)
        if higher is None:
            higher = Stack(self, state)
            if self._depth < MAX_DEPTH:
                self._higher[state] = higher
        return higher

    def _without(self, size: int) -> Stack:
        stack = self
        for _ in range(size):
            assert stack.below is not None
            stack = stack.below
        return stack
