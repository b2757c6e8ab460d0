"""docs/vocabulary.md is the catalog, and its sources speak of words that exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sources import SOURCES
from vocabulary_page import entry_of, page

from attn_dsl.catalog import find

DOCS = Path(__file__).parents[2] / "docs"


def test_page(golden: Callable[[Path, str], None]) -> None:
    golden(DOCS / "vocabulary.md", page())


@pytest.mark.parametrize("letter", SOURCES)
def test_words_of_a_source_are_understood(letter: str) -> None:
    for word in SOURCES[letter].words:
        assert entry_of(word) == find(word), word
