"""What emitted attention kernels compute, executed on the host and compared with float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from attn_cuda import BACKEND
from attn_cuda.runtime.library import CudaError
from emit_support import HALVES, attention, check, draw, errors, graph_of, in_type, lower, run

from attn_dsl.ir import Sizes
from attn_dsl.tensors import numpy_dtype

LENGTHS = (1, 7, 63, 65, 130)
SCALE = 'scale="1 / sqrt(D)"'
CAUSAL = f'{SCALE}, mask="k <= q"'
SIZES = {"D": 40, "E": 24}
NUMPY = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}


@pytest.fixture(params=NUMPY)
def element(request: pytest.FixtureRequest) -> str:
    """The type of the numbers."""
    return str(request.param)


MASKS = (
    "True",
    "k <= q",
    "k <= q + M - N",
    "q - k < 33 and k <= q",
    "abs(q - k) <= 20 or k < 4",
    "not (k > q)",
    "k // 16 == q // 16",
    "(k - q) % 3 == 0",
    "q // 7 - k // 5 < -2 and -k % 4 != 1",
    "k >= 70 and q > 3",
    "False",
    "k < D - 30 or (q + h) % 2 == b",
)


def test_masks_at_all_lengths(element: str) -> None:
    graph = in_type(attention([f'{SCALE}, mask="{mask}"' for mask in MASKS]), element)
    program = lower(graph, **SIZES)
    lengths = LENGTHS if element != "bf16" else LENGTHS[::2]  # f16 is the same, but exacter
    for queries, keys in itertools.product(lengths, lengths):
        check(program, draw(graph, B=1, H=2, N=queries, M=keys, **SIZES))


HEAD_DIMS = [(1, 1), (3, 128), (40, 5), (80, 80), (64, 17), (128, 128), (33, 96), (256, 256)]
HALF_DIMS = [(8, 8), (16, 24), (40, 8), (64, 64), (72, 128), (128, 128), (192, 128), (256, 256)]


@pytest.mark.parametrize(
    ("head", "value", "element"),
    [
        *((*dims, "f32") for dims in HEAD_DIMS),
        *((*dims, half) for dims in HALF_DIMS for half in HALVES),
    ],
)
def test_head_dims(head: int, value: int, element: str) -> None:
    program = lower(in_type(attention(CAUSAL), element), D=head, E=value)
    for queries, keys in ((70, 130), (1, 33)):
        sizes = {"N": queries, "M": keys, "D": head, "E": value}
        check(program, draw(program.graph, B=1, H=2, **sizes))


def test_captured_tensors(element: str) -> None:
    captured = (
        "doc: i32[B, N]",
        "wide: i64[B, N]",
        "lengths: i32[B]",
        "keep: bool[H, N, N]",
        "padding: bool[N]",
        "bias: f32[N, N]",
        "slope: f32[H]",
        "table: f32[H, 9]",
        "grid: f32[B, H, N, N]",
    )
    attributes = (
        'mask="doc[b, q] == doc[b, k] and k <= q"',
        'mask="wide[b, k - 5] <= wide[b, q + 3]"',
        'mask="k < lengths[b]"',
        'mask="keep and k <= q"',
        'mask="padding[k]", score="s + bias"',
        'score="s + slope[h] * (k - q) / 64", mask="k <= q"',
        'score="s + table[h, k - q + 4]"',
        'score="20 * tanh(s / 20) + grid[b, h, q // 2, k]"',
    )
    graph = in_type(
        attention([f"{SCALE}, {text}" for text in attributes], *captured, keys="N"), element
    )
    program = lower(graph, **SIZES)
    for length in LENGTHS:
        check(program, draw(graph, B=2, H=3, N=length, **SIZES))


OPTIONAL = ("mask_keep?: bool[B, H, N, M]", "mask_bias?: f32[B, H, N, M]")
WEIGHTS = (
    'score="sigmoid(s - log(M))", mask="k <= q"',
    'score="max(s, 0) ** 2 / M", mask="(k - q) % 3 == 0"',
    'score="s / 64", mask="k <= q + M - N and keep"',
    'score="s / 64 * gamma[h] ** (q - k)", mask="k <= q"',
    'score="(where(k <= q, s, -0.5) + bias) / 64"',
    'score="sigmoid(s + mask_bias - 4)", mask="mask_keep"',
    'score="exp(s)", mask="False"',
    'score="where(s == 0, inf, s / 64)"',  # past the last key all scores are 0, and weigh nothing
)


def test_weights_that_nothing_normalizes(element: str) -> None:
    captured = ("gamma: f32[H]", "keep: bool[N, M]", "bias: f32[M]", *OPTIONAL)
    attributes = [f'{SCALE}, normalizer="none", {text}' for text in WEIGHTS]
    graph = in_type(attention(attributes, *captured), element)
    program = lower(graph, **SIZES)
    for queries, keys in ((1, 1), (65, 70), (70, 63), (5, 0), (64, 64)):
        sizes = {"B": 2, "H": 3, "N": queries, "M": keys}
        arrays = draw(graph, **sizes, **SIZES)
        arrays["gamma"] = np.array([0.9, 0.5, 1.0], numpy_dtype(NUMPY[element]))
        check(program, arrays)
        random = np.random.default_rng(1)
        check(program, {**arrays, "mask": random.random((queries, keys)) < 0.5})
        check(
            program,
            {
                **arrays,
                "mask": random.standard_normal((1, keys)).astype(numpy_dtype(NUMPY[element])),
            },
        )


SINKS = (
    "0",
    "sinks[h]",
    "wide[h, q] + one",
    "-inf",
    "q * 0.1 - D",
    "where(h == 0, -inf, sinks[h])",
)


def test_sinks(element: str) -> None:
    captured = ("sinks: f32[H]", "wide: f32[H, N]", "one: f32[]")
    attributes = [f'{CAUSAL[:-1]} - 1", sink="{sink}"' for sink in SINKS]
    graph = in_type(attention(attributes, *captured), element)
    program = lower(graph, **SIZES)
    for queries, keys in ((1, 1), (65, 70), (70, 63), (5, 0)):
        arrays = draw(graph, B=2, H=3, N=queries, M=keys, **SIZES)
        check(program, arrays)
        for scale in (1e4, -1e4, -np.inf):
            check(program, {**arrays, "sinks": np.full_like(arrays["sinks"], scale)})


def test_optional_mask(element: str) -> None:
    masks = ("mask_keep", "k <= q and mask_keep")
    graph = in_type(
        attention([f'{SCALE}, score="s + mask_bias", mask="{m}"' for m in masks], *OPTIONAL),
        element,
    )
    program = lower(graph, **SIZES)
    sizes = {"B": 2, "H": 3, "N": 65, "M": 70}
    arrays = draw(graph, **sizes, **SIZES)
    check(program, arrays)
    random = np.random.default_rng(1)
    full = tuple(sizes.values())
    for ones in itertools.product((True, False), repeat=4):
        shape = tuple(1 if one else size for one, size in zip(ones, full, strict=True))
        check(program, {**arrays, "mask": random.random(shape) < 0.3})
        check(
            program,
            {**arrays, "mask": random.standard_normal(shape).astype(numpy_dtype(NUMPY[element]))},
        )
    for rank in range(4):
        check(program, {**arrays, "mask": random.random(full[4 - rank :]) < 0.3})


def test_an_additive_mask_may_hide(element: str) -> None:
    graph = in_type(
        attention(f'{SCALE}, score="s + mask_bias", mask="mask_keep"', *OPTIONAL), element
    )
    program = lower(graph, **SIZES)
    arrays = draw(graph, B=2, H=3, N=65, M=70, **SIZES)
    bias = np.where(np.arange(70) < 68, -np.inf, 0.0) * np.ones((65, 1))
    bias[:5] = -np.inf  # these rows see nothing
    check(program, {**arrays, "mask": bias.astype(numpy_dtype(NUMPY[element]))})
    check(program, {**arrays, "mask": np.isfinite(bias)})


def test_a_row_without_keys_is_zero(element: str) -> None:
    graph = in_type(attention(f'{SCALE}, mask="k < q"'), element)
    out = run(lower(graph, **SIZES), draw(graph, B=1, H=1, N=9, M=9, **SIZES))[0]
    assert np.all(out[..., 0, :] == 0)
    assert np.all(np.isfinite(out))


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ({"N": 5, "M": 0}, (2, 2, 5, 24)),
        ({"N": 0, "M": 5}, (2, 2, 0, 24)),
        ({"N": 0, "M": 0}, (2, 2, 0, 24)),
    ],
)
def test_empty_lengths(sizes: dict[str, int], shape: tuple[int, ...], element: str) -> None:
    graph = in_type(attention(CAUSAL), element)
    out = run(lower(graph, **SIZES), draw(graph, B=2, H=2, **sizes, **SIZES))[0]
    assert out.shape == shape
    assert np.all(out == 0)


def test_no_heads_at_all(element: str) -> None:
    graph = in_type(attention(CAUSAL), element)
    check(lower(graph, **SIZES), draw(graph, B=0, H=2, N=5, M=5, **SIZES))


def test_batch_dims(element: str) -> None:
    for batch in ("", "H, ", "B, 1, "):
        graph = in_type(attention(f'{SCALE}, mask="k <= q + h + b"', batch=batch), element)
        check(lower(graph, **SIZES), draw(graph, B=2, H=3, N=65, M=70, **SIZES))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 2, 3), (0, 2, 3)])
def test_any_batch_dims(batch: tuple[int, ...], element: str) -> None:
    captured = ("mask_keep?: bool[..., N, M]", "slope: f32[9]")
    attributes = f'{SCALE}, score="s + slope[h + 3 * b]", mask="mask_keep"'
    graph = in_type(attention(attributes, *captured, batch="..., "), element)
    program = lower(graph, **SIZES)
    arrays = draw(graph, leading=batch, N=20, M=30, **SIZES)
    check(program, arrays)
    random = np.random.default_rng(2)
    check(program, {**arrays, "mask": random.random((20, 30)) < 0.5})
    check(program, {**arrays, "mask": random.random((*batch, 20, 1)) < 0.5})
    check(program, {**arrays, "mask": random.random((*(1 for _ in batch), 20, 30)) < 0.5})


def test_operands_broadcast(element: str) -> None:
    """One key for all heads; values of several batches for one of queries."""
    graph = in_type(
        graph_of(
            "Q: f32[H, N, D]",
            "K: f32[1, M, D]",
            "V: f32[B, 1, M, E]",
            '%O = tiled_attention(%Q, %K, %V) {mask="k <= q + h + b"} : f32[B, H, N, E]',
        ),
        element,
    )
    check(lower(graph, **SIZES), draw(graph, B=2, H=3, N=65, M=70, **SIZES))


@pytest.mark.parametrize("values", ["B, G, ", "B, H, ", "B, 1, ", ""])
def test_grouped_heads(values: str, element: str) -> None:
    score = 'score="s + slope[h] * k / 64", mask="k <= q + h"'
    graph = in_type(
        graph_of(
            "Q: f32[B, H, N, D]",
            "K: f32[B, G, M, D]",
            f"V: f32[{values}M, E]",
            "slope: f32[H]",
            "%O = tiled_attention(%Q, %K, %V, %slope) "
            f"{{grouped=true, {SCALE}, {score}}} : f32[B, H, N, E]",
        ),
        element,
    )
    program = lower(graph, **SIZES)
    for groups in (1, 2, 3, 6):
        check(program, draw(graph, B=2, H=6, G=groups, N=65, M=70, **SIZES))


def test_grouped_heads_of_any_batch(element: str) -> None:
    graph = in_type(
        graph_of(
            "Q: f32[..., 4, N, 8]",
            "K: f32[..., 2, N, 8]",
            '%O = tiled_attention(%Q, %K, %K) {grouped=true, mask="k <= q + h"} '
            ": f32[..., 4, N, 8]",
        ),
        element,
    )
    for batch in ((), (3,), (2, 3)):
        check(lower(graph), draw(graph, leading=batch, N=9))


@pytest.mark.parametrize("fused", [True, False])
def test_heads_that_do_not_divide_are_refused(fused: bool) -> None:
    """By the launcher itself, which a C program may call: no key is read that is not there."""
    line = '%R = repeat_heads(%K) {heads="H"} : f32[H, N, 8]'
    if fused:
        line = "%O = tiled_attention(%Q, %K, %K) {grouped=true} : f32[H, N, 8]"
    graph = graph_of(
        "Q: f32[H, N, 8]", "K: f32[G, N, 8]", line, "%S = add(%Q, %" + line[1] + ") : f32[H, N, 8]"
    )
    runner = BACKEND.load(lower(graph), emulate=True)
    for heads, groups in ((6, 4), (6, 0), (3, 6)):
        arrays = draw(graph, H=heads, G=groups, N=5)
        with pytest.raises(CudaError, match="cudaErrorInvalidValue"):
            runner(arrays, Sizes({"H": heads, "G": groups, "N": 5}))


def test_a_batch_dim_of_the_scores_alone(element: str) -> None:
    graph = in_type(
        graph_of(
            "Q: f32[..., 2, N, 8]",
            "K: f32[..., 2, N, 8]",
            '%O = tiled_attention(%Q, %K, %K) {mask="k <= q + h + 3 * b"} : f32[..., 2, N, 8]',
        ),
        element,
    )
    for batch in ((), (3,), (2, 3)):
        check(lower(graph), draw(graph, leading=batch, N=9))


def test_dims_that_are_products() -> None:
    attributes = 'scale="1 / sqrt(G * D)", score="s + w[0, h]"'
    graph = attention(attributes, "w: f32[G, D]", dims=("G * D", "2 * D"))
    check(lower(graph, G=3, D=8), draw(graph, B=1, H=1, N=9, M=12, G=3, D=8))


def test_other_sizes_than_compiled() -> None:
    graph = attention(CAUSAL)
    program = lower(graph, **SIZES)
    with pytest.raises(ValueError, match="compiled for D = 40, called with 41"):
        run(program, draw(graph, B=1, H=1, N=3, M=3, D=41, E=24))


def test_two_attentions_share_a_file(element: str) -> None:
    graph = in_type(
        graph_of(
            "Q: f32[H, N, 8]",
            "K: f32[H, M, 8]",
            "V: f32[H, M, 24]",
            '%A = tiled_attention(%Q, %K, %K) {mask="k <= q"} : f32[H, N, 8]',
            "%B = tiled_attention(%A, %K, %V) : f32[H, N, 24]",
        ),
        element,
    )
    check(lower(graph), draw(graph, H=2, N=65, M=70))


def test_large_scores_do_not_overflow() -> None:
    graph = attention()
    arrays = draw(graph, B=1, H=1, N=70, M=70, D=8, E=8)
    assert errors(lower(graph, D=8, E=8), {**arrays, "Q": arrays["Q"] * 300})["O"] < 1e-3


SPLIT = (
    f'{SCALE}, mask="k <= q + M - N"',
    f'{SCALE}, score="s + slope[h] * (k - q) / 64", mask="k % 5 != q"',
    f'{SCALE}, mask="q > 0 and k < 1100", sink="slope[h]"',
)


@pytest.mark.parametrize("half", HALVES)
def test_few_queries_share_their_keys_out(half: str) -> None:
    """Blocks have parts of the keys, up to 64 queries; some parts of some rows see no key."""
    graph = in_type(attention(SPLIT, "slope: f32[H]"), half)
    program = lower(graph, **SIZES)
    assert "combine_parts" in program.source
    for queries, keys in ((1, 1023), (5, 2100), (64, 1024), (65, 1030), (3, 0)):
        check(program, draw(graph, B=2, H=2, N=queries, M=keys, **SIZES))


def test_parts_have_a_log_sum_exp() -> None:
    op = '{grouped=true, mask="k <= q + 1030"}'
    lines = ["Q: f32[H, N, 8]", "K: f32[G, M, 8]", "V: f32[G, M, 24]"]
    lines += [f"%O = tiled_attention(%Q, %K, %V) {op} : f32[H, N, 24]"]
    lines += [f"%L = tiled_log_sum_exp(%Q, %K) {op} : f32[H, N]"]
    graph = in_type(graph_of(*lines, outputs=("O", "L")), "f16")
    program = lower(graph)
    assert "combine_with_lse" in program.source
    for queries in (1, 7, 70):
        check(program, draw(graph, H=4, G=2, N=queries, M=1100))


def test_queries_as_many_as_keys_share_nothing() -> None:
    graph = in_type(attention(CAUSAL, keys="N"), "f16")
    assert "splits" not in lower(graph, **SIZES).source
