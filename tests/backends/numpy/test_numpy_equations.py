"""Equations in NumPy: whatever is drawn, it is refused, or the numbers are the reference's."""

from __future__ import annotations

import numpy as np
import pytest
from equation_texts import WHOLE, drawings, whole_numbers
from hypothesis import given
from hypothesis import strategies as st
from modules import compare, emit
from support import draw, examples

from attn_dsl.diagnostics import DiagnosticError, render
from attn_dsl.ir import Sizes, from_text, to_text
from attn_dsl.pipeline import analyse, read

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of 1 / 0 and the like
TYPES = {"x": "f32[N, M]", "y": "f32[M]", "i": "i32[N, 1]", "j": "i32[1, M]", "m": "bool[M]"}
SIZES = Sizes({"N": 3, "M": 4, "H": 2}, (2,))


@examples(400)
@given(drawings())
def test_any_equation(text: str) -> None:
    try:
        found = analyse(read(text), {"dtype": "f64"})
    except DiagnosticError as error:
        problems = error.diagnostics
    else:
        problems = ()
    if problems:
        assert any(d.code.startswith("E") for d in problems)
        assert all(map(render, problems))
        return
    assert from_text(to_text(found.drawn)) == found.drawn
    compare(found.drawn, draw(found.drawn, SIZES))


@examples(100)
@given(whole_numbers(), st.integers(0, 99))
def test_whole_numbers(text: str, seed: int) -> None:
    inputs = "".join(f'{name}(["{name} : {type_}"])\n' for name, type_ in WHOLE.items())
    found = analyse(read(f'flowchart TD\n{inputs}{" & ".join(WHOLE)} --> O["O = {text}"]'))
    arrays = draw(found.drawn, SIZES)
    random = np.random.default_rng(seed)
    for name, array in arrays.items():
        if array.dtype != bool:
            arrays[name] = random.integers(-5, 6, array.shape).astype(array.dtype)
    compare(found.drawn, arrays)


def boxes(text: str) -> str:
    """The drawing of the equation `text` over those of `TYPES` that it names."""
    used = [name for name in TYPES if name in text.split("=", 1)[1]]
    inputs = "".join(f'{name}(["{name} : {TYPES[name]}"])\n' for name in used)
    return f'flowchart TD\n{inputs}{" & ".join(used)} --> O["{text}"]'


@pytest.mark.parametrize(
    "text",
    [
        *("x < 2 / b", "x + h ** -1", "x + 5 // h - 5 % h"),
        *(
            "x + 1 / (N - 3)",
            "x - 5 // (N - 3) + 5 % (N - 3)",
            "max(x, √(N - 9))",
            "x * log(N - 3)",
        ),
        *("x * (0 - 8) ** 0.5", "x * exp(900 * N)", "x * (N - 3) ** -1"),
        *("x + exp(True)", "where(x > 0, True, min(2, True))", "m ** 2", "x * (N and M)"),
        *("where(x > 0, 3 < N, 2)", "abs(m) - max(m, m)", "where(x > 0, floor(√N), 0.5)"),
        *("x + i ** -1", "m / m", "x * where(N > M, 1, N < M)"),
    ],
)
def test_what_python_alone_would_not_compute(text: str) -> None:
    found = analyse(read(boxes(f"O = {text}")))
    compare(found.drawn, draw(found.drawn, SIZES))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("O = max(x, y)", "O = np.maximum(x, y)"),
        ("O = i == j", "O = i == j"),
        ("O = i < j <= 3 and m", "O = (i < j) & (j <= 3) & m"),
        ("O = where(m, x, 0)", "O = np.where(m, x, 0)"),
        ("O = where(m, x, -inf)", "O = np.where(m, x, -np.inf)"),
        ("O = i + 1", "O = np.asarray(i.astype(np.int64) + 1, np.int32)"),
        ("O = i * j", "O = np.asarray(i.astype(np.int64) * j.astype(np.int64), np.int32)"),
        ("O = x + i", "O = np.asarray(x + i.astype(np.int64), np.float32)"),
        ("O = x + exp(i > 2)", "O = np.asarray(x + np.exp(1 * (i > 2)), np.float32)"),
        ("O = x % (N - 3)", "O = x % (N - 3)"),
        ("O = max(x, 1 / (N - 3))", "O = np.maximum(x, float(np.divide(1, N - 3)))"),
        ("O = max(x, 1 / √N)", "O = np.maximum(x, 1 / math.sqrt(N))"),
    ],
)
def test_what_is_emitted(text: str, line: str) -> None:
    found = analyse(read(boxes(text)))
    arrays = draw(found.drawn, SIZES)
    compare(found.drawn, arrays)
    assert f"    {line}\n" in emit(found.drawn).source
