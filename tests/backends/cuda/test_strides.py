"""Inputs with gaps between their rows, or with their dims in another order, as they lie."""

from __future__ import annotations

import ctypes
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from attn_cuda.runtime.host import build_emulated
from attn_cuda.runtime.library import CudaError, Library
from attn_cuda.runtime.tensors import (
    Tensor,
    check_rows,
    gapless,
    launcher_strides,
    movable,
    span,
)
from emit_support import Array, attention, check, draw, graph_of, in_type, lower

SIZES = {"B": 2, "H": 3, "N": 5, "M": 7, "D": 4, "E": 6}
GRAPH = attention('scale="1 / sqrt(D)", mask="k <= q"')


def reordered(array: Array) -> Array:
    """The same numbers, where heads lie behind rows: `[B, N, H, D]` seen as `[B, H, N, D]`."""
    return np.swapaxes(np.swapaxes(array, -2, -3).copy(), -2, -3)


def spread(array: Array) -> Array:
    """The same numbers, with gaps between the rows."""
    wide = np.full((*array.shape[:-1], array.shape[-1] + 3), np.nan, array.dtype)
    wide[..., : array.shape[-1]] = array
    return wide[..., : array.shape[-1]]


@pytest.mark.parametrize("change", [reordered, spread])
def test_attention_reads_what_lies_apart(change: Any) -> None:
    arrays = {name: change(array) for name, array in draw(GRAPH, **SIZES).items()}
    assert not any(array.flags.c_contiguous for array in arrays.values())
    assert all(movable(array) is array for array in arrays.values())
    check(lower(GRAPH, D=4, E=6), arrays)


def test_values_that_share_the_memory_of_an_input_follow_its_strides() -> None:
    graph = graph_of(
        "X: f32[B, N, D]",
        "y: f32[B, D]",
        "%I = identity(%X) : f32[B, N, D]",
        "%T = transpose(%I) : f32[B, D, N]",
        "%R = row(%T) {axis=-3} : f32[B, 1, D, N]",
        "%S = row(%y) : f32[B, 1, D]",
        "%Z = matmul(%S, %T) : f32[B, 1, N]",
        "%z = vector(%Z) : f32[B, N]",
        "%U = identity(%z) : f32[B, N]",
        outputs=("R", "U", "T", "I"),
    )
    arrays = {name: spread(array) for name, array in draw(graph, **SIZES).items()}
    arrays["X"] = np.swapaxes(spread(np.swapaxes(arrays["X"], 0, 1)), 0, 1)
    check(lower(graph), arrays)


def test_optional_inputs_repeat_and_lie_apart() -> None:
    graph = attention(
        'mask="keep", score="s + bias"', "keep?: bool[B, H, N, M]", "bias?: f32[H, N, M]"
    )
    arrays = draw(graph, **SIZES)
    random = np.random.default_rng(1)
    keep, bias = random.random((2, 1, 1, 7)) < 0.7, random.standard_normal((3, 1, 1))
    check(lower(graph, D=4, E=6), {**arrays, "keep": keep, "bias": bias.astype(np.float32)})
    bias = spread(random.standard_normal((3, 5, 7)).astype(np.float32))
    check(lower(graph, D=4, E=6), {**arrays, "keep": spread(keep), "bias": bias})


def test_columns_apart_are_moved_together_on_the_way() -> None:
    arrays = {
        name: array[..., ::2] for name, array in draw(GRAPH, **SIZES | {"D": 8, "E": 12}).items()
    }
    assert all(movable(array).flags.c_contiguous for array in arrays.values())
    check(lower(GRAPH, D=4, E=6), arrays)
    check(lower(GRAPH, D=4, E=6), {name: array[:, ::-1] for name, array in arrays.items()})


def test_more_batch_dims_than_indices() -> None:
    graph = graph_of(
        "Q: f32[..., N, D]",
        "K: f32[..., M, D]",
        "V: f32[..., M, E]",
        "%O = tiled_attention(%Q, %K, %V) : f32[..., N, E]",
    )
    arrays = {
        name: reordered(spread(array)) for name, array in draw(graph, (2, 3, 2), **SIZES).items()
    }
    check(lower(graph, D=4, E=6), arrays)


@pytest.mark.parametrize("strides", [(60, 20, 4, 2), (60, 20, 4, 0)])
def test_the_launcher_refuses_columns_apart(strides: tuple[int, ...]) -> None:
    program = lower(GRAPH, D=4, E=6)
    library = Library(build_emulated(program.source))
    with ExitStack() as cleanup:
        memory = [ctypes.c_void_p(library.allocate(4096, cleanup)) for _ in "QKVO"]
        sizes = [ctypes.c_longlong(SIZES[size]) for size in ("B", "H", "N", "M")]
        apart = (ctypes.c_longlong * 4)(*strides)
        for position in range(3):
            given = [apart if position == place else None for place in range(3)]
            with pytest.raises(CudaError, match="cudaErrorInvalidValue"):
                library.start(program.entry, [*memory, *sizes, *given])
        library.start(program.entry, [*memory, *sizes, None, None, None])


def test_what_the_launcher_is_told() -> None:
    def strides(shape: tuple[int, ...], steps: tuple[int, ...], optional: bool = False) -> Any:
        tensor = Tensor(0, "float32", 4, shape, steps)
        return launcher_strides("x", tensor, 4, optional=optional)

    assert strides((2, 3, 5, 4), (60, 20, 4, 1)) is None
    assert strides((2, 3, 0, 4), (7, 7, 7, 7)) is None
    assert strides((3, 5, 4), (4, 12, 1)) == (0, 4, 12, 1)
    assert strides((1, 3, 5, 1), (9, 5, 1, 8)) == (0, 5, 1, 1)
    assert strides((5, 1), (1, 1), optional=True) == (0, 0, 1, 0)
    assert strides((2, 3, 5, 4), (60, 20, 4, 1), optional=True) == (60, 20, 4, 1)
    with pytest.raises(ValueError, match=r"'x' has strides \(1, 2\).*x\.contiguous\(\)"):
        strides((2, 3), (1, 2))


def test_spans() -> None:
    x = np.zeros((4, 6), np.float32)
    assert span(x) == x.nbytes
    assert span(x[:2, :3]) == 4 * 9
    assert span(np.broadcast_to(x[0], (9, 6))) == 4 * 6
    assert span(x[:0]) == 0
    assert gapless((2, 3, 4)) == (12, 4, 1)
    assert gapless(()) == ()
    assert movable(np.zeros((100, 100))[::50]).flags.c_contiguous


HALF = in_type(GRAPH, "f16")
HALF_SIZES = SIZES | {"D": 16, "E": 24}


def halves() -> dict[str, Array]:
    return {n: a.astype(np.float16) for n, a in draw(GRAPH, **HALF_SIZES).items()}


@pytest.mark.parametrize("change", [reordered, spread, lambda array: array[..., ::-1]])
def test_tensor_cores_read_what_lies_apart(change: Any) -> None:
    check(lower(HALF, D=16, E=24), {name: change(array) for name, array in halves().items()})
    arrays = halves()
    assert movable(reordered(arrays["Q"])).flags.c_contiguous is False
    assert movable(spread(arrays["Q"])).flags.c_contiguous  # rows of 19 numbers


def test_tensor_cores_are_fed_a_copy_of_what_is_transposed() -> None:
    graph = graph_of(
        "Q: f16[B, H, N, D]",
        "X: f16[B, H, D, M]",
        "V: f16[B, H, M, D]",
        "%K = transpose(%X) : f16[B, H, M, D]",
        "%O = tiled_attention(%Q, %K, %V) : f16[B, H, N, D]",
        "%A = tiled_attention(%Q, %K, %K) : f16[B, H, N, D]",
        outputs=("O", "A", "K"),
    )
    check(lower(graph, D=16), draw(graph, **HALF_SIZES))


def test_rows_at_no_multiple_of_sixteen_bytes() -> None:
    tensor = Tensor(64, "float16", 2, (2, 3, 16), (48, 16, 1))
    for good in (tensor, replace(tensor, shape=(2, 1, 16), strides=(16, 7, 1))):
        check_rows("K", good)
    for bad in (replace(tensor, pointer=66), replace(tensor, strides=(51, 17, 1))):
        with pytest.raises(ValueError, match=r"'K', at address .*no multiple of 16 bytes"):
            check_rows("K", bad)


def test_the_launcher_refuses_rows_at_no_multiple_of_sixteen_bytes() -> None:
    program = lower(HALF, D=16, E=24)
    library = Library(build_emulated(program.source))
    with ExitStack() as cleanup:
        memory = [ctypes.c_void_p(library.allocate(16384, cleanup)) for _ in "QKVO"]
        sizes = [ctypes.c_longlong(SIZES[size]) for size in ("B", "H", "N", "M")]
        apart = (ctypes.c_longlong * 4)(800, 200, 17, 1)
        for place in range(3):
            given = [apart if position == place else None for position in range(3)]
            with pytest.raises(CudaError, match="cudaErrorMisalignedAddress"):
                library.start(program.entry, [*memory, *sizes, *given])
            moved = [
                ctypes.c_void_p((p.value or 0) + 2 * (n == place)) for n, p in enumerate(memory)
            ]
            with pytest.raises(CudaError, match="cudaErrorMisalignedAddress"):
                library.start(program.entry, [*moved, *sizes, None, None, None])
