"""The tile program of a fused operation: its tiles, buffers, and steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from programs import attention, plan

from attn_dsl.expr import Printer, evaluate, parse
from attn_dsl.ir import Dim, DType
from attn_dsl.tile import (
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    Map,
    Normalize,
    Rescale,
    RowMax,
    RowSum,
    Store,
    Tier,
    count_tiles,
    formula,
)


def test_the_steps_of_causal_attention() -> None:
    program = plan(scale="1 / sqrt(D)", mask="k <= q")
    assert program.prologue == (
        Load("query_tile", "query", "q", parse("1 / sqrt(D)")),
        Fill("maximum", -math.inf),
        Fill("total", 0.0),
        Fill("accumulator", 0.0),
    )
    assert program.body == (
        Load("key_tile", "key", "k"),
        Contract("scores", "query_tile", "key_tile", transposed=True, accumulate=False),
        Hide("scores", parse("k <= q"), parse("k_last <= q_first")),
        RowMax("new_maximum", "maximum", "scores"),
        Exponentiate("weights", "scores", "new_maximum"),
        Rescale(("total", "accumulator"), "maximum", "new_maximum"),
        RowSum("total", "weights"),
        Load("value_tile", "value", "k"),
        Contract("accumulator", "weights", "value_tile", transposed=False, accumulate=True),
    )
    assert program.epilogue == (Normalize("accumulator", "total"), Store("out", "accumulator"))
    assert (program.keys.begin, program.keys.end) == (None, parse("q_last + 1"))


def test_buffers_and_lengths() -> None:
    program = plan(mask="doc[b, q] == doc[b, k]", query=64, key=32)
    lengths = (program.query_length, program.key_length, program.head_dim, program.value_dim)
    assert lengths == tuple(map(Dim.of, "NMDE"))
    shapes = {b.name: (b.tier, tuple(map(str, b.shape))) for b in program.buffers}
    assert shapes["query"] == (Tier.GLOBAL, ("N", "D"))
    assert shapes["doc"] == (Tier.GLOBAL, ("B", "M"))
    assert shapes["scores"] == (Tier.REGISTER, ("64", "32"))
    assert shapes["value_tile"] == (Tier.CACHE, ("32", "E"))
    assert shapes["accumulator"] == (Tier.REGISTER, ("64", "E"))
    assert [b.name for b in program.captured] == ["doc"]
    assert program.buffer("doc").dtype is DType.I32
    assert program.buffer("out").value == "O"
    assert len(shapes) == len(program.buffers)


def test_every_step_works_on_buffers_that_exist() -> None:
    program = plan(score="s + slope * k + bias", mask="keep and k < 9")
    names = {b.name for b in program.buffers}
    for step in (*program.prologue, *program.body, *program.epilogue):
        for field in ("buffer", "into", "source", "lhs", "rhs", "previous", "scores", "given"):
            assert getattr(step, field, None) in names | {None}


@pytest.mark.parametrize(
    ("score", "mask", "steps"),
    [
        ("s", "keep", [("keep", "False", "keep")]),
        (
            "s",
            "k <= q and keep",
            [("k <= q", "k_last <= q_first", None), ("keep", "False", "keep")],
        ),
        ("s", "keep or k <= q", [("keep or k <= q", "k_last <= q_first", None)]),
        ("s + bias", "True", [("s + bias", "bias")]),
        ("tanh(s) + bias", "True", [("tanh(s)", None), ("s + bias", "bias")]),
        ("tanh(s + bias)", "True", [("tanh(s + bias)", None)]),
        ("s + slope", "True", [("s + slope", None)]),
    ],
)
def test_optional_tensors_are_steps_of_their_own(
    score: str, mask: str, steps: list[object]
) -> None:
    text = Printer().print
    found: list[object] = []
    for step in plan(score=score, mask=mask).body:
        if isinstance(step, Map):
            found.append((text(step.score), step.given))
        elif isinstance(step, Hide):
            found.append((text(step.mask), text(step.full), step.given))
    assert found == steps


@pytest.mark.parametrize(
    "mask",
    [
        "True",
        "k <= q",
        "q - k < 5 and k <= q",
        "k < 4 or k <= q",
        "k <= q + M - N",
        "q // 4 == k // 4",
    ],
)
@pytest.mark.parametrize(("n", "m"), [(13, 17), (16, 12), (1, 5), (0, 4), (4, 0)])
def test_tiles_are_counted_as_they_are(mask: str, n: int, m: int) -> None:
    program = plan(mask=mask)
    names = {"N": n, "M": m, "q": np.arange(n)[:, None], "k": np.arange(m)}
    kept = np.broadcast_to(evaluate(parse(mask), names, {}), (n, m))
    tiles = [kept[q : q + 4, k : k + 3] for q in range(0, n, 4) for k in range(0, m, 3)]
    found = count_tiles(program, {"N": n, "M": m})
    assert found.skipped == sum(not tile.any() for tile in tiles)
    assert found.full == sum(tile.all() for tile in tiles)
    assert found.full + found.partial + found.skipped == len(tiles)


def test_the_formula(golden: Callable[[Path, str], None]) -> None:
    score = {"scale": "0.5", "score": "s - slope * (q - k)", "mask": "k <= q"}
    graph, plain = attention(**score), attention()
    lines = [*formula("O", graph.table["O"].op), "", *formula("O", plain.table["O"].op)]
    golden(Path(__file__).parent / "formula.txt", "\n".join(lines) + "\n")
