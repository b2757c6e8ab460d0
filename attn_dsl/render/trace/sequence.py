"""The four steps as a sequence diagram of Mermaid."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attn_dsl.render.trace.numbers import NDArray, number, written
from attn_dsl.render.trace.record import Trace
from attn_dsl.render.trace.tokens import Tokens, called
from attn_dsl.render.trace.words import formula_caption, heading, score_text, weight_title
from attn_dsl.textbuilder import TextBuilder

PLAIN = frozenset(" .,[]()−∞…·=/")
"""Beside letters and digits, what means nothing to Mermaid."""
RESERVED = frozenset({"end", "style", "classdef", "title", "as"})
"""Words that mean something to Mermaid where they stand in a text, or might."""


def sequence_text(trace: Trace, tokens: Tokens, name: str) -> str:
    """A participant for each vector, a message for each score and each weight, and the sums."""
    out = TextBuilder()
    out.lines(["---", f"title: {json.dumps(heading(trace, name), ensure_ascii=False)}", "---"])
    with out.block("sequenceDiagram"):
        out.lines(_participants(trace, tokens))
        out.lines(_scores(trace))
        out.lines(_weights(trace, tokens))
    return out.text


def spelled(text: str) -> str:
    """`text` as Mermaid shows it, whatever it is: all that might mean something as `#code;`."""
    if text.lower() in RESERVED:
        return "".join(_code(char) for char in text)
    return "".join(char if char.isalnum() or char in PLAIN else _code(char) for char in text)


def _code(char: str) -> str:
    return f"#{ord(char)};"


def _participants(trace: Trace, tokens: Tokens) -> Iterator[str]:
    kinds: tuple[tuple[str, str, NDArray, tuple[str, ...]], ...] = (
        ("q", "query", trace.queries, tokens.queries),
        ("k", "key", trace.keys, tokens.keys),
        ("v", "value", trace.values, tokens.keys),
    )
    for letter, kind, vectors, names in kinds:
        for at, vector in enumerate(vectors):
            said = f"{kind} {spelled(called(names, at))}<br/>{_vector(vector)}"
            yield f"participant {letter}{at} as {said}"
    yield "participant sum as summed output"
    yield f"participant out as output<br/>{spelled(trace.name)}"


def _scores(trace: Trace) -> Iterator[str]:
    queries, keys = trace.scores.shape
    across = f"q0,v{keys - 1}"
    yield f"Note over {across}: 1 Input#58; query, key and value vectors"
    yield f"Note over {across}: 2 Attention scores#58; {spelled(formula_caption(trace))}"
    for q in range(queries):
        for k in range(keys):
            score = spelled(score_text(trace, q, k))
            hidden = bool(trace.hidden[q, k])
            yield f"q{q}--xk{k}: {score} hidden" if hidden else f"q{q}->>k{k}: {score}"


def _weights(trace: Trace, tokens: Tokens) -> Iterator[str]:
    """For each query in turn: its weights, what they bring to the sum, and the output."""
    queries, keys = trace.weights.shape
    across = f"q0,v{keys - 1}"
    title = spelled(" ".join(weight_title(trace).split()))
    yield f"Note over {across}: {title}, then 4 Weighted sum"
    for q in range(queries):
        name = spelled(tokens.query(q))
        yield f"Note over {across}: query {name}#58; {_row(trace, q)}"
        for k in range(keys):
            weight = spelled(number(trace.weights[q, k]))
            arrow = "--x" if trace.hidden[q, k] else "->>"
            yield f"v{k}{arrow}sum: {weight}"
        yield "sum->>out: Weighted Sum"
        yield f"Note over sum,out: output {name}<br/>{_vector(trace.output[q])}"


def _row(trace: Trace, q: int) -> str:
    """How the weights of a query come from its scores."""
    weights = _vector(trace.weights[q], len(trace.keys))
    if not trace.normalized:
        return f"weights {weights}"
    scores = _vector(trace.scores[q], len(trace.keys))
    taken = "" if trace.sink is None else f", and the sink takes {spelled(number(trace.sink[q]))}"
    return f"softmax {scores} is {weights}{taken}"


def _vector(vector: NDArray, most: int = 3) -> str:
    return spelled(written(vector, most))
