"""The tables that are shipped are those of the grammars."""

from __future__ import annotations

from pathlib import Path

import pytest
from attn_dsl.grammars.generate import STARTS, generate

GRAMMARS = Path(__file__).parents[2] / "grammars"


@pytest.mark.parametrize("name", STARTS)
def test_tables_are_those_of_the_grammar(name: str) -> None:
    """If not: `python -m attn_dsl.grammars`."""
    assert (GRAMMARS / f"{name}.json").read_text(encoding="utf-8") == generate(name)
