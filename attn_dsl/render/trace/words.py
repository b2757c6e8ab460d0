"""What a trace is called, and what it shows in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.render.trace.numbers import MINUS, number
from attn_dsl.render.trace.record import Trace
from attn_dsl.render.trace.tokens import Tokens


def heading(trace: Trace, name: str) -> str:
    """`Causal attention: O, batch 0, head 3 of 8`."""
    return f"{name}: {trace.name}{place(trace)}"


def place(trace: Trace) -> str:
    """`, batch 0, head 3 of 8`, without what there is one of."""
    batches, heads = trace.heads
    batch = f", batch {trace.batch} of {batches}" if batches > 1 else ""
    return batch + (f", head {trace.head} of {heads}" if heads > 1 else "")


def formula_caption(trace: Trace) -> str:
    """How a score is computed."""
    return "; ".join(trace.formula[:-1]).replace("-inf", f"{MINUS}∞")


def score_caption(trace: Trace) -> str:
    """The same, and what a dashed arrow is."""
    text = formula_caption(trace)
    return f"{text}. Dashed: hidden by the mask" if trace.hidden.any() else text


def weight_title(trace: Trace) -> str:
    """The third step, which may have no softmax."""
    return f"3  Attention weights ({'softmax' if trace.normalized else 'no softmax'})"


def weight_caption(trace: Trace, block: tuple[int, int] = (1, 1)) -> str:
    """What the rows of weights sum to, where these are no means."""
    if not trace.normalized:
        return "The scores are the weights; what the mask hides weighs 0."
    if block != (1, 1):
        return "Softmax over the keys of each query."
    rest = ", with what its sink takes" if trace.sink is not None else ""
    empty = ", or 0 where the mask hides all keys" if trace.hidden.all(axis=1).any() else ""
    return f"Softmax over the keys of each query: a row sums to 1{rest}{empty}."


def heads_heading(traces: Sequence[Trace], name: str, block: tuple[int, int]) -> str:
    """`Causal attention: O, batch 0, heads 0 to 7 of 8, 1024 queries × 1024 keys`."""
    first, last = traces[0], traces[-1]
    heads = place(first)
    if len(traces) > 1:
        batch = place(replace(first, heads=(first.heads[0], 1)))
        heads = f"{batch}, heads {first.head} to {last.head} of {first.heads[1]}"
    return f"{name}: {first.name}{heads}, {in_size(first)}{in_blocks(block)}"


def in_size(trace: Trace) -> str:
    """`6 queries × 8 keys`."""
    queries, keys = trace.scores.shape
    return f"{_count(queries, 'query', 'queries')} × {_count(keys, 'key', 'keys')}"


def in_blocks(block: tuple[int, int]) -> str:
    """What a cell is, if it is no single score."""
    return "" if block == (1, 1) else f"; a cell is the mean of {block[0]} × {block[1]}"


def heads_in_words(traces: Sequence[Trace], block: tuple[int, int]) -> str:
    """For who cannot see it: what is shown, and how much of it is hidden."""
    first = traces[0]
    hidden = sum(int(trace.hidden.sum()) for trace in traces)
    total = sum(trace.hidden.size for trace in traces)
    shown = "scores and weights" if len(traces) == 1 else "weights of each head"
    return (
        f"Heat maps of the {shown}, {in_size(first)}{in_blocks(block)}. "
        f"The mask hides {hidden} of {total} scores."
    )


def _count(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def score_text(trace: Trace, q: int, k: int) -> str:
    """The score; that of a hidden key is 0 where no softmax follows."""
    if trace.hidden[q, k] and not trace.normalized:
        return number(0.0)
    return number(trace.scores[q, k])


def pair_title(trace: Trace, tokens: Tokens, q: int, k: int) -> str:
    """`query The → key cat: score 0.83, weight 0.41`."""
    score, weight = score_text(trace, q, k), number(trace.weights[q, k])
    said = f"query {tokens.query(q)} → key {tokens.key(k)}"
    if trace.hidden[q, k]:
        return f"{said}: hidden by the mask, weight {weight}"
    return f"{said}: score {score}, weight {weight}"


def in_words(trace: Trace, tokens: Tokens) -> str:
    """For who cannot see it: the weights of each query."""
    queries, keys = trace.weights.shape
    rows = []
    for q in range(queries):
        each = (f"{number(trace.weights[q, k])} of {tokens.key(k)}" for k in range(keys))
        rows.append(f"Query {tokens.query(q)} takes {', '.join(each)}.")
    return f"{in_size(trace)}. {' '.join(rows)}"
