"""The scores and weights of one head as heat maps, or the weights of all heads of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attn_dsl.links import link
from attn_dsl.render.canvas import Canvas, Item, Label, text_width
from attn_dsl.render.trace.axes import Axis
from attn_dsl.render.trace.blocks import block_sizes, by_blocks
from attn_dsl.render.trace.heat import HeatMap
from attn_dsl.render.trace.panels import PAD, Panel, place
from attn_dsl.render.trace.record import NDArray, Trace
from attn_dsl.render.trace.scale import (
    Scale,
    hidden_sign,
    scale_bar,
    score_scale,
    weight_scale,
)
from attn_dsl.render.trace.tokens import Tokens
from attn_dsl.render.trace.words import (
    formula_caption,
    heads_heading,
    heads_in_words,
    pair_title,
    weight_caption,
)

CELLS, SIDE = 16384, 128
"""How many cells a picture has at most, and one map along an axis."""
TITLED = 4096
"""Up to so many cells, each says its numbers where the mouse rests."""
ALONE, AMONG = 420.0, 210.0
"""Pixels of a map, if there are one or two, and of one among many."""
WORDS = 40
"""So many tokens all have room beside a map."""
ACROSS = 4
"""Maps in a row."""
TITLE, LEGEND, BAR = 40.0, 42.0, 320.0


def heat_canvas(traces: Sequence[Trace], tokens: Tokens, name: str) -> Canvas:
    """Scores and weights of one head; of several, the weights of each, all on one scale."""
    maps = max(2, len(traces))
    block = block_sizes(_shape(traces[0]), SIDE, CELLS // maps)
    small = [by_blocks(trace, block) for trace in traces]
    rows, columns = _axes(small[0], tokens, block, ALONE if maps == 2 else AMONG)
    weights = weight_scale([trace.weights for trace in small])
    bars = [("weight", weights)]

    def draw(trace: Trace, kind: str, numbers: NDArray, scale: Scale) -> HeatMap:
        links = link(trace.name, "softmax")
        if kind == "score":
            links = f"{link(trace.name, 'scores')} {link(trace.name, 'mask')}"
        titles = _titles(trace, tokens, block) if trace.scores.size * maps <= TITLED else ()
        return HeatMap(numbers, trace.hidden, scale, rows, columns, kind, links, titles)

    if len(traces) == 1:
        (trace,) = small
        scores = score_scale(trace.scores)
        bars.insert(0, ("score", scores))
        shown = draw(trace, "score", trace.scores, scores)
        panels = [Panel("Attention scores", formula_caption(trace), *shown.panel)]
        shown = draw(trace, "weight", trace.weights, weights)
        panels.append(Panel("Attention weights", weight_caption(trace, block), *shown.panel))
    else:
        drawn = [draw(trace, "weight", trace.weights, weights) for trace in small]
        panels = [
            Panel(f"Head {trace.head}", "", *shown.panel)
            for trace, shown in zip(small, drawn, strict=True)
        ]
    return _canvas(panels, bars, traces, name, block)


def _canvas(
    panels: Sequence[Panel],
    bars: Sequence[tuple[str, Scale]],
    traces: Sequence[Trace],
    name: str,
    block: tuple[int, int],
) -> Canvas:
    """The panels in rows, with a title, and below them what the colours mean."""
    in_rows = [panels[at : at + ACROSS] for at in range(0, len(panels), ACROSS)]
    width, height, items = place(in_rows, TITLE)
    title, legend = heads_heading(traces, name, block), height + 6
    shown: list[Item] = [Label(PAD, 26, title, 15, anchor="start", bold=True, plain=True), *items]
    x = PAD
    for what, scale in bars:
        shown += scale_bar(x, legend, what, scale)
        x += BAR
    if any(trace.hidden.any() for trace in traces):
        shown += hidden_sign(x, legend)
        x += BAR / 2
    width = max(width, x, text_width(title, 15) + 3 * PAD)
    words = heads_in_words(traces, block)
    return Canvas(width, legend + LEGEND, title, words, tuple(shown))


def _axes(trace: Trace, tokens: Tokens, block: tuple[int, int], target: float) -> tuple[Axis, Axis]:
    """Of queries and of keys, for a map of about `target` pixels."""
    queries, keys = trace.scores.shape
    return (
        _axis(tokens.query, queries, block[0], bool(tokens.queries), target, 26.0),
        _axis(tokens.key, keys, block[1], bool(tokens.keys), target, 44.0),
    )


def _axis(
    name: Callable[[int], str], count: int, block: int, tokens: bool, target: float, most: float
) -> Axis:
    """A block is called by the number of the first in it. Whole pixels: no seams between cells."""
    names = (name(at) if block == 1 else str(at * block) for at in range(count))
    least = 11.0 if tokens and count <= WORDS else 2.0
    size = min(most, max(least, round(target / count)))
    return Axis(tuple(names), size, tokens and block == 1)


def _titles(trace: Trace, tokens: Tokens, block: tuple[int, int]) -> tuple[tuple[str, ...], ...]:
    """What each cell says."""
    queries, keys = trace.scores.shape
    called = (
        tokens
        if block == (1, 1)
        else Tokens(
            tuple(_range(at, block[0]) for at in range(queries)),
            tuple(_range(at, block[1]) for at in range(keys)),
        )
    )
    return tuple(
        tuple(pair_title(trace, called, q, k) for k in range(keys)) for q in range(queries)
    )


def _range(at: int, block: int) -> str:
    return f"{at * block} to {at * block + block - 1}"


def _shape(trace: Trace) -> tuple[int, int]:
    queries, keys = trace.scores.shape
    return queries, keys
