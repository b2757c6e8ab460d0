"""Arrays to arguments: every misfit names the input, what it is and what it had to be."""

from __future__ import annotations

import numpy as np
import pytest

from attn_dsl.ir import Graph, Sizes, bind, from_text

ATTENTION = from_text("""graph "attention"
%Q = input() {name="Q", type="f32[..., N, D]"} : f32[..., N, D]
%K = input() {name="K", type="f32[..., M, D]"} : f32[..., M, D]
%W = input() {name="W", type="f32[2*D, N + M]"} : f32[2*D, M + N]
%m = input() {name="mask", type="bool[..., N, M]", optional=true} : bool[..., N, M]
%c = input() {name="c", type="f32[3]"} : f32[3]
return "Q" = %Q
""")
FITTING = {"Q": (5, 2, 4, 8), "K": (5, 2, 6, 8), "W": (16, 10), "c": (3,)}


def arrays(**changes: tuple[int, ...] | None) -> dict[str, np.ndarray]:
    shapes = FITTING | changes
    return {name: np.zeros(shape) for name, shape in shapes.items() if shape is not None}


def test_sizes() -> None:
    assert bind(ATTENTION, arrays()) == Sizes({"N": 4, "D": 8, "M": 6}, (5, 2))


@pytest.mark.parametrize(
    "shape", [(5, 2, 4, 6), (2, 4, 6), (4, 6), (6,), (), (5, 1, 4, 6), (1, 6), (1, 1, 4, 1)]
)
def test_an_optional_input_broadcasts(shape: tuple[int, ...]) -> None:
    assert bind(ATTENTION, arrays(mask=shape)) == bind(ATTENTION, arrays())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Q": None}, "input 'Q' is missing"),
        ({"X": (1,)}, "there is no input 'X'; inputs are K, Q, W, c, mask"),
        ({"Q": (8,)}, r"'Q' is f32\[..., N, D\]: it needs at least 2 dims, and has shape \(8,\)"),
        ({"c": (1, 3)}, r"input 'c' is f32\[3\]: it needs 1 dims, and has shape \(1, 3\)"),
        ({"c": (4,)}, r"input 'c' has shape \(4,\), and f32\[3\] needs \(3,\)"),
        ({"K": (5, 2, 6, 9)}, r"'K' is .* has shape \(5, 2, 6, 9\): D is 9 here, 8 in 'Q'"),
        ({"K": (2, 6, 8)}, r"the batch dims of 'K' are \(2,\), and those of 'Q' are \(5, 2\)"),
        ({"W": (17, 10)}, r"input 'W' has shape \(17, 10\), and .* needs \(16, 10\)"),
        ({"W": (16, 11)}, r"input 'W' has shape \(16, 11\), and .* needs \(16, 10\)"),
        (
            {"mask": (2, 6, 6)},
            r"'mask' has shape \(2, 6, 6\), and must broadcast to \(5, 2, 4, 6\)",
        ),
        ({"mask": (1, 5, 2, 4, 6)}, r"must broadcast to \(5, 2, 4, 6\)"),
        ({"mask": (0,)}, "must broadcast to"),
    ],
)
def test_what_does_not_fit(changes: dict[str, tuple[int, ...] | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bind(ATTENTION, arrays(**changes))


def _one(type_: str, flags: str = "") -> Graph:
    line = f'%x = input() {{name="x", type="{type_}"{flags}}} : {type_}'
    return from_text(f'graph "g"\n{line}\nreturn "x" = %x\n')


def test_a_size_that_does_not_follow_is_named() -> None:
    with pytest.raises(ValueError, match=r"the size [DH] of 'x' does not follow"):
        bind(_one("f32[D*H, 4]"), {"x": np.zeros((6, 4))})
    with pytest.raises(ValueError, match="the size N of 'x' does not follow"):
        bind(_one("f32[N]", ", optional=true"), {"x": np.zeros(6)})
    assert bind(_one("f32[N]", ", optional=true"), {}) == Sizes()
    with pytest.raises(ValueError, match=r"input 'x' is f32\[N, N // 2\]: N // 2 is 5/2"):
        bind(_one("f32[N, N // 2]"), {"x": np.zeros((5, 2))})


def test_empty_arrays_and_equal_symbols() -> None:
    assert bind(_one("f32[N, N]"), {"x": np.zeros((0, 0))}).symbols == {"N": 0}
    with pytest.raises(ValueError, match=r"'x' .* N is 3 here, 2 in 'x'"):
        bind(_one("f32[N, N]"), {"x": np.zeros((2, 3))})


def test_an_optional_input_may_be_required_in_one_of_its_forms() -> None:
    graph = from_text("""graph "g"
%a = input() {name="m", type="bool[2]", optional=true, required=true} : bool[2]
%b = input() {name="m", type="f32[2]", optional=true, required=true} : f32[2]
return "a" = %a
return "b" = %b
""")
    with pytest.raises(ValueError, match="input 'm' is missing"):
        bind(graph, {})
    assert bind(graph, {"m": np.zeros(2)}) == Sizes()


def test_heads_that_do_not_divide() -> None:
    graph = from_text("""graph "grouped"
%Q = input() {name="Q", type="f32[H, N, D]"} : f32[H, N, D]
%K = input() {name="K", type="f32[G, N, D]"} : f32[G, N, D]
%R = repeat_heads(%K) {heads="2*H"} : f32[2*H, N, D]
%O = tiled_attention(%Q, %K, %K) {grouped=true} : f32[H, N, D]
return "O" = %O
return "R" = %R
""")
    q, k = np.zeros((6, 2, 2)), np.zeros((3, 2, 2))
    assert bind(graph, {"Q": q, "K": k}).symbols == {"H": 6, "N": 2, "D": 2, "G": 3}
    with pytest.raises(ValueError, match=r"2\*H = 10 query heads are no multiple of G = 3 key"):
        bind(graph, {"Q": q[:5], "K": k})
    with pytest.raises(ValueError, match="H = 3 query heads are no multiple of G = 2 key heads"):
        bind(graph, {"Q": q[:3], "K": k[:2]})
    with pytest.raises(ValueError, match="no multiple of G = 0 key heads"):
        bind(graph, {"Q": q, "K": k[:0]})
