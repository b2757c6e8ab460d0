"""Types as text, and broadcasting as NumPy does it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import examples

from attn_dsl.ir import Dim, DType, TensorType, TypeMismatch, broadcast, parse_type
from attn_dsl.ir.types import broadcasts_to

sizes = st.integers(0, 3)
shapes = st.lists(sizes, max_size=4)


def fixed(shape: list[int]) -> TensorType:
    return TensorType(DType.F32, tuple(map(Dim.of, shape)))


@pytest.mark.parametrize(
    "text",
    ["f32[]", "f16[...]", "bf16[..., D*H, 64]", "i32[B, N + 1]", "bool[1, 1, M]", "i64[N - M]"],
)
def test_text_reads_back(text: str) -> None:
    assert str(parse_type(text)) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("f64", "f64[]"),
        (" f32 [ …,N ] ", "f32[..., N]"),
        ("f32[2×3]", "f32[6]"),
        ("f32[(N + 1) ** 2]", "f32[N*N + 2*N + 1]"),
    ],
)
def test_other_spellings(text: str, printed: str) -> None:
    assert str(parse_type(text)) == printed


@pytest.mark.parametrize(
    "text", ["", "f31[N]", "f32[N", "f32[N,]", "f32[N, ...]", "f32[-1]", "f32[√N]", "float", "[N]"]
)
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_type(text)


def test_a_comma_in_parentheses_separates_no_dims() -> None:
    with pytest.raises(ValueError, match=r"`min\(N, doc\[b, 2\]\)` is no size"):
        parse_type("f32[M, min(N, doc[b, 2])]")


@examples(500)
@given(shapes, shapes)
def test_fixed_sizes_broadcast_as_in_numpy(left: list[int], right: list[int]) -> None:
    try:
        wanted = np.broadcast_shapes(tuple(left), tuple(right))
    except ValueError:
        with pytest.raises(TypeMismatch):
            broadcast(fixed(left), fixed(right))
        assert not broadcasts_to(fixed(left), fixed(right))
    else:
        assert broadcast(fixed(left), fixed(right)) == fixed(list(wanted))
        assert broadcasts_to(fixed(left), fixed(right)) == (wanted == tuple(right))


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ("f32[B, N, M]", "f32[N, M]", "f32[B, N, M]"),
        ("f32[N, 1]", "f32[1, M]", "f32[N, M]"),
        ("f32[..., N, M]", "f32[N, M]", "f32[..., N, M]"),
        ("f32[..., N, M]", "f32[M]", "f32[..., N, M]"),
        ("f32[..., N, 1]", "f32[..., 1, M]", "f32[..., N, M]"),
        ("f32[H*D]", "f32[D*H]", "f32[D*H]"),
    ],
)
def test_symbols_broadcast(left: str, right: str, result: str) -> None:
    assert str(broadcast(parse_type(left), parse_type(right))) == result
    assert str(broadcast(parse_type(right), parse_type(left))) == result


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("f32[N]", "f32[M]", "N is not M"),
        ("f32[H*D]", "f32[H]", r"D\*H is not H"),
        ("f32[N, M]", "f32[..., M]", "stands for other dims"),
        ("f32[N]", "f64[N]", "f32 beside f64"),
    ],
)
def test_symbols_that_do_not_broadcast(left: str, right: str, message: str) -> None:
    with pytest.raises(TypeMismatch, match=message):
        broadcast(parse_type(left), parse_type(right))


def test_what_broadcasts_to_scores_does_not_widen_them() -> None:
    scores = parse_type("f32[B, H, N, M]")
    for text in ("bool[B, 1, 1, M]", "f32[M]", "f32[]", "i32[H, N, M]"):
        assert broadcasts_to(parse_type(text), scores)
    for text in ("bool[B, H, N, N]", "f32[1, B, H, N, M]", "f32[..., N, M]"):
        assert not broadcasts_to(parse_type(text), scores)
    assert not broadcasts_to(parse_type("f32[N, M]"), parse_type("f32[1, M]"))
