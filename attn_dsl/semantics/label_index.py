"""What the labels of nodes 1, 2, … have in common, once each one's own index is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

_INDEX, _ID = "\0", "\1"
"""What stands in a common label for a member's index, and for its id."""
_NUMBER = re.compile(r"(?<![^\W_])(?:\d+|[A-Z])\b|(?<=[^\W\d_])(?:\d+|[A-Z])$")
"""What may be an index: a number or a letter of its own, or after a word that ends the label."""


def label_patterns(labels: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """For each member, by its id, the pattern of its label; alike ones have the same.

    `labels` are a member's index and label by its id. In `Scale 1 by 1/√d` and `Scale 2 by 1/√d`
    only the first number is an index: which ones are, another member's label tells. A label that
    does not follow what most of the others follow is its own pattern.
    """
    plain = {id: (index, re.sub(r"\s+", " ", text)) for id, (index, text) in labels.items()}
    followers = {
        pattern: {id for id, (index, text) in plain.items() if _fill(pattern, id, index) == text}
        for pattern in _candidates(plain)
    }
    best = max(followers, key=lambda pattern: len(followers[pattern]))
    return {id: best if id in followers[best] else text for id, (_, text) in plain.items()}


def _candidates(labels: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Patterns that members may follow: what is most common, and what the outermost ones say."""
    texts = [text for _, text in labels.values()]
    patterns = [_without_index(id, index, text) for id, (index, text) in labels.items()]
    common = [Counter(found).most_common(1)[0][0] for found in (texts, patterns)]
    yield from dict.fromkeys([*common, *patterns[:2], *patterns[-2:]])


def _without_index(id: str, index: str, label: str) -> str:
    """The label with its id and its index left out, wherever they stand."""
    if index not in label:
        return label
    label = re.sub(r"\w+", lambda word: _ID if word[0] == id else word[0], label)
    return _NUMBER.sub(lambda number: _INDEX if number[0] == index else number[0], label)


def _fill(pattern: str, id: str, index: str) -> str:
    return pattern.replace(_ID, id).replace(_INDEX, index)


def stem_of(name: str, index: str) -> str:
    """`name` without the index that it ends in; itself, if it does not."""
    return re.sub(rf"_?{index}$", "", name) or name
