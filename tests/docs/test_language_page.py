"""Every drawing on the page about the language is accepted, and does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.diagnostics import Severity
from attn_dsl.ir.ops import SplitHeads
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


@pytest.mark.parametrize(
    ("settings", "heads"),
    [
        ({}, (4, 2, 8)),
        ({"heads": 16}, (4, 2, 16)),
        ({"Encoder.heads": 16}, (16, 2, 8)),
        ({"B.heads": 16}, (4, 16, 8)),
    ],
)
def test_settings_hold_as_the_page_says(
    settings: dict[str, int], heads: tuple[int, int, int]
) -> None:
    drawn = analyse(read(f"{PAGE}#Settings"), settings).drawn
    found = {s.name: s.op.heads for s in drawn.statements if isinstance(s.op, SplitHeads)}
    boxes = ("Encoder_A_q_heads", "Encoder_B_q_heads", "C_q_heads")
    assert tuple(found[box] for box in boxes) == heads
