"""A box `Positional Encoding` without arrows in: sinusoids as long and wide as what they meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import codes, compiled, normal, operations, problems, remarked
from members import members

from attn_dsl.ir import to_text
from attn_dsl.pipeline import Compiled, load

X = 'x(["x : f32[..., N, E]"])\nPE["Positional Encoding"]\n'


def run(found: Compiled, **arrays: Any) -> Any:
    return load(found, "numpy")(**arrays)


def sinusoids(length: int, width: int) -> Any:
    """Vaswani et al. 2017, section 3.5."""
    table = np.zeros((length, width))
    for position in range(length):
        for column in range(width):
            angle = position / 10000 ** ((column - column % 2) / width)
            table[position, column] = np.cos(angle) if column % 2 else np.sin(angle)
    return table


@pytest.mark.parametrize(
    "arrows",
    [
        "x & PE --> y[Add]",
        "PE & x --> y[Add]",
        'x & PE --> y(("⊕"))',
        "x & PE --> y((+))",
        "x --> y\nPE -- Add --> y",
        "PE --> p --> y[Add]\nx --> y",
        "x & PE & x --> z[Add]\nz & x --> y[Subtract]",
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (7, 6), (2, 9, 5)])
def test_positions_that_are_added(arrows: str, shape: tuple[int, ...]) -> None:
    found = compiled(X + arrows)
    assert remarked(found) == []
    x = normal(0, *shape)
    np.testing.assert_allclose(run(found, x=x), x + sinusoids(*shape[-2:]), atol=1e-5)


def test_it_is_the_same_as_an_arrow_through_it() -> None:
    drawn = compiled(f"{X}x & PE --> y[Add] --> t[Tanh]").drawn
    through = compiled('x(["x : f32[..., N, E]"]) --> y[Positional Encoding] --> t[Tanh]').drawn
    assert to_text(drawn) == to_text(through)


def test_one_box_for_two_lengths() -> None:
    text = f'{X}m(["m : f32[..., M, E]"])\nx & PE --> a[Add]\nm & PE --> b[Add]\n'
    x, m = normal(0, 4, 6), normal(1, 9, 6)
    found = run(compiled(text), x=x, m=m)
    np.testing.assert_allclose(found["a"], x + sinusoids(4, 6), atol=1e-5)
    np.testing.assert_allclose(found["b"], m + sinusoids(9, 6), atol=1e-5)


def test_the_classic_figure() -> None:
    """An embedding and the positions into ⊕, then the blocks."""
    text = (
        "ids(Inputs) --> E[Input Embedding] --> sum((⊕))\n"
        "PE[Positional <br> Encoding] --> sum --> B[Encoder Block]@{ heads: 2 }\n"
    )
    found = compiled(text)
    assert operations(found.drawn)[:3] == ["embedding", "positions", "linear"]


def test_inside_a_repeated_block() -> None:
    text = f'{X}subgraph B["Block × 2"]\nx & PE --> y[Add]\nend\n'
    x = normal(0, 5, 4)
    np.testing.assert_allclose(run(compiled(text), x=x), x + 2 * sinusoids(5, 4), atol=1e-5)


@pytest.mark.parametrize(
    "arrows",
    [
        "x & PE --> y[Multiply]",
        "x & PE --> y[Add & Norm]",
        "PE --> y[Tanh]",
        "PE --> y[Linear]",
        "x & PE --> y[MatMul]",
        "x & PE --> y[Mask]",
        'x & PE --> y["y = x + PE"]',
        "x --> y[Add]\nPE -- Tanh --> y",
        "PE --> y",
        "PE --> y --> z",
    ],
)
def test_what_else_it_flows_into(arrows: str) -> None:
    (error,) = problems(f"{X}x --> o[Tanh]\n{arrows}")
    assert (error.code, "can only be added" in error.message) == ("E033", True)
    assert error.span is not None
    assert error.span.text.startswith("PE")


def test_added_to_nothing() -> None:
    text = f"{X}P2[Positional Encoding]\nPE & P2 --> y[Add]\nx --> o[Tanh]"
    assert codes(text) == ["E033"]
    assert codes(f"{X}PE --> y[Add]\nx --> o[Tanh]") == ["E033"]


def test_an_output_whose_type_is_not_known() -> None:
    """Left out without a word it would be missing from what the kernel gives."""
    (error,) = problems(f"{X}x & PE --> o[Add]\nu --> y")
    assert (error.code, error.span and error.span.text) == ("E039", "u")


@pytest.mark.parametrize(
    ("text", "shape", "rows"),
    [
        ('x{i}(["x{i} : f32[T, E]"]) & PE --> a{i}[Add] --> y[Sum]', (3, 5, 4), 5),
        ('x{i}(["x{i} : f32[E]"]) & PE --> a{i}[Add] --> y[Sum]', (3, 4), 3),
        ('x{i}(["x{i} : f32[T, E]"]) & P{i}["Positions"] --> a{i}[Add] --> y[Sum]', (3, 5, 4), 5),
    ],
)
def test_positions_of_members(text: str, shape: tuple[int, ...], rows: int) -> None:
    """They are those of a matrix's rows; of vectors, the place in the family."""
    pe = 'PE["Positional Encoding"]\n' if "PE" in text else ""
    x = normal(0, *shape)
    found = compiled(pe + members(text))
    np.testing.assert_allclose(run(found, x=x), (x + sinusoids(rows, 4)).sum(0), atol=1e-5)


def test_positions_beside_members_and_of_heads() -> None:
    text = 'PE["Positional Encoding"] --> y[Add]\n' + members('x{i}(["x{i} : f32[T, E]"]) --> y')
    x = normal(0, 3, 5, 4)
    np.testing.assert_allclose(run(compiled(text), x=x), x.sum(0) + sinusoids(5, 4), atol=1e-5)
    heads = X + members("x & PE --> a{i}[Add] --> y[Concatenate]", "12")
    x = normal(0, 7, 6)
    expected = x + np.tile(sinusoids(7, 3), 2)
    np.testing.assert_allclose(run(compiled(heads), x=x), expected, atol=1e-5)


def test_positions_of_numbers_are_an_error() -> None:
    text = members('x{i}(["x{i} : f32[...]"]) & PE --> a{i}[Add] --> y[Sum]')
    assert codes('PE["Positional Encoding"]\n' + text) == ["E053"]
