"""The numbers of a trace are those that the kernel computes, whatever the attention is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support import NDArray

from attn_dsl.ir import Graph, Sizes, evaluate_all
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.pipeline import Compiled, analyse, load, read
from attn_dsl.render.trace import Trace, trace_attention
from attn_dsl.sample import sample_inputs

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted([*EXAMPLES.glob("*.attn"), *(EXAMPLES / "variants").glob("*.attn")])
SIZES = {"B": 2, "H": 4, "G": 2, "N": 5, "M": 7, "J": 3, "S": 2, "P": 6, "D": 8, "E": 6, "R": 8}
SPREAD = [f for f in FILES if f.stem != "sigmoid"]
"""Those whose weights come from a softmax."""


@cache
def compiled(file: Path) -> Compiled:
    return analyse(read(file))


def arrays_of(graph: Graph) -> dict[str, NDArray]:
    """Random ones, two sequences of two and of no keys where there are lengths."""
    symbols = {symbol: SIZES.get(symbol, 8) for symbol in graph.symbols}
    batch = (2, 3) if any(s.type.batch for s in graph.inputs) else ()
    arrays = sample_inputs(graph, Sizes(symbols, batch), seed=1)
    if "length" in arrays:
        arrays["length"] = np.resize([2, 0], arrays["length"].shape).astype(np.int32)
    return arrays


@cache
def traces(file: Path) -> dict[str, list[Trace]]:
    """All heads of all attentions."""
    graph = compiled(file).fused
    names = [s.name for s in graph.statements if isinstance(s.op, TiledAttention)]
    found: dict[str, list[Trace]] = {}
    for name in names:
        batches = trace_attention(graph, arrays_of(graph), name)[0].heads[0]
        each = (trace_attention(graph, arrays_of(graph), name, (b, None)) for b in range(batches))
        found[name] = [trace for of_batch in each for trace in of_batch]
    return found


def test_there_are_many() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_weights_times_values_is_what_the_kernel_computes(file: Path) -> None:
    graph = compiled(file).fused
    arrays = arrays_of(graph)
    values = evaluate_all(graph, arrays)
    result = load(compiled(file), "numpy")(**arrays)
    outputs = result if isinstance(result, dict) else {graph.outputs[0][0]: result}
    computed = {value: outputs[label] for label, value in graph.outputs}
    for name, heads in traces(file).items():
        output = np.asarray(computed.get(name, values[name]))
        sums = np.stack([trace.weights @ trace.values for trace in heads])
        np.testing.assert_allclose(sums.reshape(output.shape), output, atol=1e-5)
        stacked = np.stack([trace.output for trace in heads]).reshape(output.shape)
        np.testing.assert_allclose(stacked, output, atol=1e-5)


@pytest.mark.parametrize("file", SPREAD, ids=lambda file: file.stem)
def test_rows_of_weights_sum_to_1_or_0(file: Path) -> None:
    for heads in traces(file).values():
        for trace in heads:
            total = trace.weights.sum(axis=1)
            if trace.sink is not None:
                assert (trace.sink > 0).all()
                total = total + trace.sink
            np.testing.assert_allclose(total, np.where(_seen(trace), 1, 0), atol=1e-12)


def _seen(trace: Trace) -> NDArray:
    """Which queries see a key, or have a sink."""
    return ~trace.hidden.all(axis=1) | (trace.sink is not None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_hidden_weighs_nothing(file: Path) -> None:
    for heads in traces(file).values():
        for trace in heads:
            assert trace.hidden.shape == trace.weights.shape
            assert (trace.weights[trace.hidden] == 0).all()
            assert (trace.weights[~trace.hidden] != 0).all()


def test_scores_are_those_of_the_formula() -> None:
    arrays = arrays_of(compiled(EXAMPLES / "causal.attn").fused)
    for trace in traces(EXAMPLES / "causal.attn")["O"]:
        query, key = (arrays[name][trace.batch, trace.head] for name in trace.operands[:2])
        np.testing.assert_array_equal(trace.queries, query)
        np.testing.assert_array_equal(trace.keys, key)
        scores = trace.queries @ trace.keys.T / np.sqrt(8)
        kept = np.tril(np.ones((5, 5), bool))
        np.testing.assert_array_equal(trace.hidden, ~kept)
        np.testing.assert_allclose(trace.scores[kept], scores[kept], atol=1e-6)


def test_a_mask_hides_rows_that_see_nothing() -> None:
    first, second = traces(EXAMPLES / "variants" / "padding.attn")["O"][::4]
    assert first.hidden.tolist() == [[False, False, True, True, True]] * 5
    assert second.hidden.all()
    assert (second.weights == 0).all()
    assert (second.output == 0).all()


def test_grouped_heads_read_the_keys_of_their_group() -> None:
    file = EXAMPLES / "variants" / "grouped_query.attn"
    arrays = arrays_of(compiled(file).fused)
    for trace in traces(file)["O"]:
        np.testing.assert_array_equal(trace.keys, arrays["K"][trace.batch, trace.head // 2])


def test_pages_are_followed() -> None:
    file = EXAMPLES / "variants" / "paged_cache.attn"
    arrays = arrays_of(compiled(file).fused)
    (pool,) = (array for name, array in arrays.items() if name == traces(file)["O"][0].operands[1])
    table = arrays["block_table"]
    for trace in traces(file)["O"]:
        pages = pool[table[trace.batch]][:, :, trace.head // 2]
        np.testing.assert_array_equal(trace.keys, pages.reshape(-1, pool.shape[-1]))


def test_no_softmax_has_its_scores_as_weights() -> None:
    for trace in traces(EXAMPLES / "variants" / "sigmoid.attn")["O"]:
        assert not trace.normalized
        kept = ~trace.hidden
        np.testing.assert_array_equal(trace.weights[kept], trace.scores[kept])


def test_batch_dims_beyond_two_count_as_b() -> None:
    text = """flowchart TD
        Q["Q : f32[..., N, D]"] & K["K : f32[..., N, D]"] --> S[MatMul] --> P[Softmax]
        P & V["V : f32[..., N, D]"] --> O[MatMul]
    """
    graph = analyse(read(text)).fused
    random = np.random.default_rng(0)
    arrays = {name: random.standard_normal((2, 3, 4, 5, 2)) for name in "QKV"}
    (trace,) = trace_attention(graph, arrays, head=(4, 1))
    assert trace.heads == (6, 4)
    np.testing.assert_array_equal(trace.queries, arrays["Q"][1, 1, 1])
    flat = {name: array[0, 0, 0] for name, array in arrays.items()}
    (trace,) = trace_attention(graph, flat)
    assert trace.heads == (1, 1)
    np.testing.assert_array_equal(trace.values, arrays["V"][0, 0, 0])
