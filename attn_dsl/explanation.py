"""What `Kernel.explain` returns: the text of `attn explain`, which notebooks show as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from attn_dsl.cost_text import cost_lines
from attn_dsl.explain import attention_of, explain, place
from attn_dsl.ir import Origin
from attn_dsl.ir.ops import TiledScores
from attn_dsl.passes import Remark
from attn_dsl.pipeline import Compiled
from attn_dsl.signature import arguments, results
from attn_dsl.tile import formula

STYLE = "text-align: left; white-space: pre-wrap"


class Explanation(str):
    """A text, as `attn explain` prints it; in a notebook, tables."""

    _compiled: Compiled

    def __new__(cls, compiled: Compiled) -> Explanation:
        """Explain what became of a diagram."""
        text = super().__new__(cls, explain(compiled))
        text._compiled = compiled
        return text

    def _repr_html_(self) -> str:
        """The same as HTML."""
        compiled = self._compiled
        signature = _table("Inputs and outputs", ("", "name", "type"), _signature(compiled))
        head = ("value", "formula", "absorbed, or why not", "cost")
        fused = _table("Fused", head, (_row(compiled, remark) for remark in compiled.remarks))
        return f"<h4>{escape(compiled.drawn.name)}</h4>{signature}{fused}"


def _signature(compiled: Compiled) -> Iterator[tuple[str, ...]]:
    for argument in arguments(compiled.fused):
        kind = "parameter" if argument.parameter else "input"
        yield kind, argument.name, f"{argument.type}{argument.note}"
    yield from (("output", name, type_) for name, type_ in results(compiled.fused).items())


def _row(compiled: Compiled, remark: Remark) -> tuple[str, ...]:
    """What was made of one softmax."""
    statement = compiled.fused.table[remark.value]
    op = statement.op
    value = f"{remark.value} : {statement.type}"
    if not remark.fused:
        at = "\n".join(map(place, remark.origins or (Origin(remark.value),)))
        return value, "", f"not fused, because {remark.reason}\n{at}", ""
    assert isinstance(op, TiledScores)
    lines = "\n".join(formula(remark.value, op))
    absorbed = "\n".join(map(place, remark.origins))
    if (attention := attention_of(compiled.fused, statement)) != statement.name:
        return value, lines, absorbed, f"from the kernel of {attention}"
    costs = "\n".join(cost_lines(compiled.fused, statement, compiled.settings.dims))
    return value, lines, absorbed, costs


def _table(caption: str, head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """All texts escaped, with their lines and spaces."""
    titles = "".join(f'<th scope="col" style="{STYLE}">{escape(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    table = f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f"<table><caption>{escape(caption)}</caption>{table}</table>"


def _cell(text: str) -> str:
    return f'<td style="{STYLE}; font-family: monospace">{escape(text)}</td>'
