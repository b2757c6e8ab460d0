"""What queries and keys are called: by the tokens that they are of, or by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attn_dsl.render.labels import printable


@dataclass(frozen=True)
class Tokens:
    """The texts of all queries and of all keys; none where only numbers are known."""

    queries: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def query(self, place: int) -> str:
        """What query `place` is called."""
        return called(self.queries, place)

    def key(self, place: int) -> str:
        """What key `place` is called."""
        return called(self.keys, place)


def fit_tokens(given: Sequence[Sequence[str]], queries: int, keys: int) -> Tokens:
    """One list is of the keys and, if there are as many, of the queries; two are of both in turn.

    Raises ValueError for a list of another length than N and M.
    """
    if not given:
        return Tokens()
    lists = [tuple(tokens) for tokens in given]
    if len(lists) == 1:
        if len(lists[0]) not in (queries, keys):
            wanted = f"{queries}" if queries == keys else f"{queries} queries and {keys}"
            raise ValueError(f"{_count(lists[0])} given for {wanted} keys")
        by_length = [lists[0] if len(lists[0]) == wanted else () for wanted in (queries, keys)]
        return Tokens(*by_length)
    for tokens, count, what in zip(lists, (queries, keys), ("queries", "keys"), strict=False):
        if len(tokens) != count:
            raise ValueError(f"{_count(tokens)} given for {count} {what}")
    if len(lists) > 2:
        raise ValueError("tokens are given more than twice: once for queries, once for keys")
    return Tokens(*lists)


def called(tokens: tuple[str, ...], place: int) -> str:
    """A token that cannot be seen is called by its number."""
    return (printable(tokens[place]) if tokens else "") or str(place)


def _count(tokens: tuple[str, ...]) -> str:
    return "1 token is" if len(tokens) == 1 else f"{len(tokens)} tokens are"


def shortened(text: str, most: int) -> str:
    """The first letters of a long text."""
    return text if len(text) <= most else f"{text[: max(1, most - 1)]}…"
