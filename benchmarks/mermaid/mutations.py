"""Texts that are nearly a flowchart: others with a few characters, words or lines changed."""

from __future__ import annotations

import re
from random import Random

from pieces import ARROWS, DATA, HEADS, OTHERS, TITLES, WILD_IDS, WILD_TEXTS

MARKS = [*"[](){}<>|\"'`@&#;:,.-=~xo%\\/*_^$ \t\n", "@{", ":::", "--", "-->", "%%", "end", "\n\n"]
INSERTED = [*MARKS, *MARKS, *ARROWS, *DATA, *OTHERS, *TITLES, *WILD_IDS, *WILD_TEXTS, *HEADS]


def mutate(text: str, other: str, random: Random) -> str:
    """`text` after one to three changes, some with a line of `other`."""
    for _ in range(random.randint(1, 3)):
        change = random.choice(CHANGES)
        text = change(text, other, random)
    return text


def _insert(text: str, other: str, random: Random) -> str:
    at = random.randint(0, len(text))
    return text[:at] + random.choice(INSERTED) + text[at:]


def _delete(text: str, other: str, random: Random) -> str:
    at = random.randint(0, len(text))
    return text[:at] + text[at + random.choice([1, 1, 1, 2, 5]) :]


def _repeat(text: str, other: str, random: Random) -> str:
    at = random.randint(0, len(text))
    end = at + random.choice([1, 2, 10])
    return text[:end] + text[at:]


def _swap(text: str, other: str, random: Random) -> str:
    """Exchange two neighbours among words and marks."""
    parts = re.findall(r"\w+|\s+|[^\w\s]+", text)
    at = random.randrange(max(1, len(parts) - 1))
    return "".join([*parts[:at], *reversed(parts[at : at + 2]), *parts[at + 2 :]])


def _mix(text: str, other: str, random: Random) -> str:
    """Put a line of `other` between two lines."""
    lines = text.split("\n")
    lines.insert(random.randint(1, len(lines)), random.choice(other.split("\n")))
    return "\n".join(lines)


CHANGES = (_insert, _delete, _repeat, _swap, _mix)
