"""What a trace is called, and what it shows in words."""

from __future__ import annotations

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


def score_caption(trace: Trace) -> str:
    """How a score is computed, and what a dashed arrow is."""
    text = "; ".join(trace.formula[:-1]).replace("-inf", f"{MINUS}∞")
    return f"{text}. Dashed: hidden by the mask" if trace.hidden.any() else text


def weight_title(trace: Trace) -> str:
    """The third step, which may have no softmax."""
    return f"3  Attention weights ({'softmax' if trace.normalized else 'no softmax'})"


def weight_caption(trace: Trace) -> str:
    """What the rows of weights sum to."""
    if not trace.normalized:
        return "The scores are the weights; what the mask hides weighs 0."
    rest = ", with what its sink takes" if trace.sink is not None else ""
    empty = ", or 0 where the mask hides all keys" if trace.hidden.all(axis=1).any() else ""
    return f"Softmax over the keys of each query: a row sums to 1{rest}{empty}."


def pair_title(trace: Trace, tokens: Tokens, q: int, k: int) -> str:
    """`query The → key cat: score 0.83, weight 0.41`."""
    score, weight = number(trace.scores[q, k]), number(trace.weights[q, k])
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
    return f"{queries} queries, {keys} keys. {' '.join(rows)}"
