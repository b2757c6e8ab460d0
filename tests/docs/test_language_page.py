"""Every drawing on the page about the language is accepted, and does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.diagnostics import Severity
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.syntax import find_blocks

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
BLOCKS = find_blocks(PAGE.read_text(encoding="utf-8"))


def compiled(number: int) -> Compiled:
    return analyse(read(f"{PAGE}#{number}"))


@pytest.mark.parametrize("number", range(1, len(BLOCKS) + 1))
def test_drawing_is_accepted_without_a_warning(number: int) -> None:
    assert [note.code for note in compiled(number).notes if note.severity > Severity.NOTE] == []


@pytest.mark.parametrize(
    "heading", ["Carrier", "Reading a box", "Masks", "Expressions", "Equations", "Families"]
)
def test_attention_fuses(heading: str) -> None:
    number = 1 + next(i for i, block in enumerate(BLOCKS) if block.heading == heading)
    ops = [statement.op.mnemonic for statement in compiled(number).fused.statements]
    assert "tiled_attention" in ops
    assert "softmax" not in ops
