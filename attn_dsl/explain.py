"""What the compiler made of a diagram, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from attn_dsl.cost_text import cost_lines
from attn_dsl.ir import Graph, Origin, Statement
from attn_dsl.ir.ops import LogSumExp, Op, Softmax, TiledAttention, TiledScores
from attn_dsl.passes import Remark
from attn_dsl.pipeline import Compiled
from attn_dsl.semantics import Settings
from attn_dsl.signature import arguments, results
from attn_dsl.tile import formula, together


def explain(compiled: Compiled) -> str:
    """Types of inputs and outputs, then for every softmax whether it fused, and why not."""
    fused = compiled.fused
    lines = [f"{compiled.drawn.name}", *_signature(fused), ""]
    done = [remark for remark in compiled.remarks if remark.fused]
    left = [remark for remark in compiled.remarks if not remark.fused]
    lines.append(f"fused: {_done(fused, done)}")
    for remark in done:
        lines += _fused(fused, remark, compiled.settings)
    if left:
        lines.append(f"not fused: {_left(fused, left)}")
    for remark in left:
        lines += _not_fused(remark)
    return "\n".join(lines) + "\n"


def _done(graph: Graph, remarks: list[Remark]) -> str:
    """How many attentions, and log-sum-exps, which an attention gives beside its result."""
    count = sum(isinstance(graph.table[r.value].op, TiledAttention) for r in remarks)
    others = len(remarks) - count
    attentions = {0: "no attention", 1: "1 attention"}.get(count, f"{count} attentions")
    return f"{attentions}, {others} log-sum-exp" if others else attentions


def _signature(graph: Graph) -> Iterator[str]:
    inputs = [a for a in arguments(graph) if not a.parameter]
    parameters = [a for a in arguments(graph) if a.parameter]
    outputs = results(graph)
    width = max(len(name) for name in (*(a.name for a in inputs), *outputs))
    yield from (f"  input   {a.name:<{width}}  {a.type}{a.note}" for a in inputs)
    yield from (f"  output  {name:<{width}}  {type_}" for name, type_ in outputs.items())
    if parameters:
        yield f"\nparameters: {len(parameters)}"
        width = max(len(a.name) for a in parameters)
        yield from (f"  {a.name:<{width}}  {a.type}" for a in parameters)


def _fused(graph: Graph, remark: Remark, settings: Settings) -> Iterator[str]:
    statement = graph.table[remark.value]
    op = statement.op
    assert isinstance(op, TiledScores)
    yield f"  {remark.value} : {statement.type}"
    if (attention := attention_of(graph, statement)) != statement.name:
        yield f"    the log-sum-exp of the scores of {attention}, from the same kernel"
        return
    yield from (f"    {line}" for line in formula(remark.value, op))
    yield f"    absorbed {len(remark.origins)} operations:"
    yield from (f"      {place(origin)}" for origin in remark.origins)
    yield from (f"    {line}" for line in cost_lines(graph, statement, settings.dims))


def attention_of(graph: Graph, statement: Statement) -> str:
    """The fused operation whose kernel computes `statement`, which may be its own."""
    return next(group[0].name for group in together(graph) if statement in group)


def _left(graph: Graph, remarks: list[Remark]) -> str:
    """How many softmaxes, log-sum-exps, and products that spend weights without a softmax."""
    kinds: dict[type[Op], str] = {Softmax: "softmax", LogSumExp: "log-sum-exp"}
    found = Counter(kinds.get(type(graph.table[r.value].op), "without") for r in remarks)
    return ", ".join(f"{count} {kind}" for kind, count in found.items())


def _not_fused(remark: Remark) -> Iterator[str]:
    softmax, *others = remark.origins or (Origin(remark.value),)
    yield f"  {place(softmax)}"
    at = f" ({place(others[-1])})" if others else ""
    yield f"    because {remark.reason}{at}"


def place(origin: Origin) -> str:
    """`line 7  MatMul  MatMul(Matrix Multiply)`; in a module, where it stands there too."""
    if origin.span is None or origin.place is None:
        return origin.title
    text = " ".join(origin.span.text.split())
    if origin.call is not None:
        text += f"  ({PurePath(origin.span.source.name).name}:{origin.span.line})"
    return f"line {origin.place.line:<4} {origin.title:<16} {text}"
