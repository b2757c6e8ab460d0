"""What somebody may have meant who wrote a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LENGTHS_APART = 6
"""Words that differ more in length do not look alike; it saves comparing them."""

MAX_COMPARED = 500
"""Of very many words, the first ones are compared: each takes some microseconds."""


LIKENESS = 0.6
"""How much alike a word and a guess have to be at least, of 1."""


def nearest(
    word: str, known: Iterable[str], count: int = 1, likeness: float = LIKENESS
) -> list[str]:
    """At most `count` of the `known` words that look like `word`, the most alike first."""
    alike = (other for other in known if abs(len(other) - len(word)) <= LENGTHS_APART)
    return get_close_matches(word, list(islice(alike, MAX_COMPARED)), count, likeness)
