"""Which picture a trace becomes: the four steps where they can be read, else heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attn_dsl.ir import Graph, bind
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.render.output import Picture
from attn_dsl.render.trace.heat_maps import heat_canvas
from attn_dsl.render.trace.record import NDArray, find_attention, trace_attention
from attn_dsl.render.trace.sequence import sequence_text
from attn_dsl.render.trace.steps import steps_canvas
from attn_dsl.render.trace.tokens import fit_tokens

FEW = 6
"""So many queries and keys are drawn one by one."""
Head = tuple[int, int | None]


def trace_picture(
    graph: Graph,
    arrays: Mapping[str, NDArray],
    of: str = "",
    head: Head | None = None,
    tokens: Sequence[Sequence[str]] = (),
) -> Picture:
    """What the fused attention called `of`, or the first, computes for `arrays`.

    A `head` (b, h) with few queries and keys is drawn as its four steps, also in Mermaid. Heads
    with more are heat maps: scores and weights of one, or the weights of several, for h None.
    Without a `head` it is (0, 0) where that is small, else all of batch 0.

    Raises ValueError for arrays and tokens that do not fit, and for an unknown attention or head.
    """
    queries, keys = score_shape(graph, arrays, of)
    if not queries or not keys:
        raise ValueError(f"there is nothing to trace: {queries} queries and {keys} keys")
    small = max(queries, keys) <= FEW
    names = fit_tokens(tokens, queries, keys)
    chosen = head or (0, 0 if small else None)
    traces = trace_attention(graph, arrays, of, chosen)
    if small and chosen[1] is not None:
        (trace,) = traces
        steps = steps_canvas(trace, names, graph.name)
        return Picture(steps, sequence_text(trace, names, graph.name))
    reason = (
        f"a sequence diagram is of one head with up to {FEW} queries and keys; "
        "--set and --head choose a small one"
    )
    return Picture(heat_canvas(traces, names, graph.name), no_mermaid=reason)


def score_shape(graph: Graph, arrays: Mapping[str, NDArray], of: str) -> tuple[int, int]:
    """How many queries and keys the attention has, at the sizes of `arrays`."""
    op = find_attention(graph, of).op
    assert isinstance(op, TiledAttention)
    *_, queries, keys = bind(graph, arrays).shape(op.scores_type(graph.types))
    return queries, keys
