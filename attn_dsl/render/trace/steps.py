"""The four steps of attention for a few queries and keys, with every number on its arrow."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.links import link
from attn_dsl.render.canvas import Canvas, Group, Item, Label, Lines, Rect, text_width
from attn_dsl.render.palette import FRAMES, KEY, LINE, OUTPUT, QUERY, VALUE
from attn_dsl.render.trace.fan import Arrow, Box, Fan
from attn_dsl.render.trace.numbers import number, subscript, written
from attn_dsl.render.trace.panels import PAD, Panel, place
from attn_dsl.render.trace.record import NDArray, Trace
from attn_dsl.render.trace.tables import (
    HEAD,
    draw_vectors,
    draw_weights,
    vectors_height,
    vectors_width,
    weights_height,
    weights_width,
)
from attn_dsl.render.trace.tokens import Tokens, called, shortened
from attn_dsl.render.trace.words import (
    heading,
    in_words,
    pair_title,
    score_caption,
    score_text,
    weight_caption,
    weight_title,
)

REACH = 200.0
"""Pixels between two columns of boxes, at least."""
LETTERS = 12
"""Of a token, in a box."""
SUM = 116.0
"""Pixels of the arrow from a sum to an output, as far as it is in the output's panel."""
TITLE = 40.0
"""Pixels for the title of the picture."""


def steps_canvas(trace: Trace, tokens: Tokens, name: str) -> Canvas:
    """The four steps as four panels: inputs and scores above, weights and sums below."""
    sums = _sums(trace, tokens)
    rows = (
        (_inputs(trace, tokens), _scores(trace, tokens)),
        (_weights(trace, tokens, sums), _outputs(trace, tokens, sums)),
    )
    width, height, items = place(rows, TITLE)
    title = heading(trace, name)
    shown = Label(PAD, 26, title, 15, anchor="start", bold=True, plain=True)
    width = max(width, text_width(title, 15) + 3 * PAD)
    return Canvas(width, height, title, in_words(trace, tokens), (shown, *items))


def _inputs(trace: Trace, tokens: Tokens) -> Panel:
    """The vectors of queries, keys and values, one table below the other."""
    queries, keys, values = trace.operands
    tables = (
        (queries, "query", trace.queries, tokens.query, QUERY),
        (keys, "key", trace.keys, tokens.key, KEY),
        (values, "value", trace.values, tokens.key, VALUE),
    )

    def draw(x: float, y: float, width: float) -> Iterator[Item]:
        for value, kind, matrix, name, fill in tables:
            said = f"{value}  {len(matrix)} × {matrix.shape[1]}"
            yield Label(x, y + 10, shortened(said, 40), 11, anchor="start", bold=True, plain=True)
            names = tuple(map(name, range(len(matrix))))
            yield from draw_vectors(x, y + HEAD, matrix, names, kind, fill, value)
            y += vectors_height(matrix) + PAD

    matrices = [matrix for _, _, matrix, *_ in tables]
    width = max(map(vectors_width, matrices))
    height = sum(map(vectors_height, matrices)) + 2 * PAD
    return Panel("1  Input", "Query, key and value vectors.", width, height, draw)


def _scores(trace: Trace, tokens: Tokens) -> Panel:
    """Every query to every key, with its score."""
    queries, keys, _ = trace.operands
    links = f"{link(trace.name, 'scores')} {link(trace.name, 'mask')}"
    fan = Fan(
        _boxes(trace.queries, tokens.queries, "query", QUERY, link(queries)),
        _boxes(trace.keys, tokens.keys, "key", KEY, link(keys)),
        tuple(
            tuple(
                Arrow(
                    score_text(trace, q, k),
                    pair_title(trace, tokens, q, k),
                    "score",
                    links,
                    hidden=bool(trace.hidden[q, k]),
                )
                for k in range(len(trace.keys))
            )
            for q in range(len(trace.queries))
        ),
    )
    width = fan.width(REACH)
    return Panel("2  Attention scores", score_caption(trace), width, fan.height, fan.draw, True)


def _sums(trace: Trace, tokens: Tokens) -> Fan:
    """Every value to the sum of every query, with its weight."""
    return Fan(
        _boxes(trace.values, tokens.keys, "value", VALUE, link(trace.operands[2])),
        _boxes(trace.output, tokens.queries, "sum", OUTPUT, _output_links(trace), "Σ"),
        tuple(
            tuple(_weight_arrow(trace, tokens, q, k) for q in range(len(trace.queries)))
            for k in range(len(trace.keys))
        ),
    )


def _weights(trace: Trace, tokens: Tokens, sums: Fan) -> Panel:
    """The weights as a table, and on the arrow from each value to each sum."""
    table = weights_width(trace) + 2 * PAD

    def draw(x: float, y: float, width: float) -> Iterator[Item]:
        yield from draw_weights(x, y, trace, tokens)
        yield from sums.draw(x + table, y, width - table)

    width, height = table + sums.width(REACH), max(weights_height(trace), sums.height)
    return Panel(weight_title(trace), weight_caption(trace), width, height, draw, True)


def _weight_arrow(trace: Trace, tokens: Tokens, q: int, k: int) -> Arrow:
    """As thick as the weight is large."""
    weight = float(trace.weights[q, k])
    strength = min(abs(weight), 1.0) if weight == weight else 0.0
    title = f"value {tokens.key(k)} → sum of query {tokens.query(q)}: weight {number(weight)}"
    links = f"{link(trace.name, 'softmax')} {link(trace.name, 'values')}"
    hidden = bool(trace.hidden[q, k])
    return Arrow(number(weight), title, "weight", links, 0.7 + 2.6 * strength, hidden)


def _outputs(trace: Trace, tokens: Tokens, sums: Fan) -> Panel:
    """From the sums, which stand at the end of the panel before, to the outputs."""
    texts = [written(vector, 3) for vector in trace.output]
    boxes = _boxes(trace.output, tokens.queries, "output", OUTPUT, _output_links(trace))
    wide = max(
        *(text_width(text, 11) for text in texts), *(text_width(box.text, 13) for box in boxes)
    )
    wide += 12

    def draw(x: float, y: float, width: float) -> Iterator[Item]:
        for box, text, middle in zip(boxes, texts, sums.middles(y), strict=True):
            start, end = (x - 3 * PAD, middle), (x + SUM - 1, middle)
            yield Lines(((start, end),), LINE, 1.4, arrow=True)
            yield Rect(x - 4, middle - 8, 84, 16, FRAMES[0])
            yield Label(x + 38, middle + 4, "Weighted Sum", 11)
            yield _output(box, text, x + SUM, middle, wide)

    return Panel("4  Weighted sum", f"The final output {trace.name}.", SUM + wide, 0, draw)


def _output(box: Box, text: str, x: float, middle: float, width: float) -> Group:
    """The final vector, below what it is of."""
    items = (
        Rect(x, middle - 19, width, 38, box.fill, LINE, radius=4),
        Label(x + width / 2, middle - 4, box.text, 12, bold=True, plain=True),
        Label(x + width / 2, middle + 12, text, 11),
    )
    return Group(items, box.title, box.kind, {"link": box.link})


def _boxes(
    vectors: NDArray, tokens: tuple[str, ...], kind: str, fill: str, links: str, sign: str = ""
) -> tuple[Box, ...]:
    """A box for each vector, called by its token, or by its letter and number."""
    found = []
    for at, vector in enumerate(vectors):
        text = f"{sign or kind[0]}{subscript(at)}"
        if tokens:
            text = f"{sign} {shortened(called(tokens, at), LETTERS)}".strip()
        title = f"{kind} {called(tokens, at)}: {written(vector, 16)}"
        found.append(Box(text, fill, title, kind, links))
    return tuple(found)


def _output_links(trace: Trace) -> str:
    return f"{link(trace.name, 'values')} {link(trace.name)}"
