"""A graph as boxes: one for each statement, and a frame for what is fused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

from attn_dsl.diagnostics import Span
from attn_dsl.expr import tensors_in, to_text
from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.ops import Input, Op, TiledScores
from attn_dsl.links import link
from attn_dsl.render.graphs.network import Arrow, Box, Frame, Network
from attn_dsl.render.links import origin_links
from attn_dsl.tile import Part, formula, parts_of

Notes = Mapping[str, tuple[str, ...]]
_ROOT = re.compile(r"\bsqrt(?:\((\w+)\)|(?=\())")


def network_of(graph: Graph, direction: str, notes: Notes, caption: str = "") -> Network:
    """The picture of `graph`; `notes` are the lines on the cost of each value."""
    boxes, frames, arrows = [], [], []
    for statement in graph.statements:
        if is_parameter(statement):
            continue
        if isinstance(statement.op, TiledScores) and statement.origins:
            frames.append(_frame(statement, notes))
        else:
            boxes.append(box_of(graph, statement, notes))
        arrows += [Arrow(*ends) for ends in _arrows(graph, statement)]
    for label, value in graph.outputs:
        boxes.append(output_box(label, value))
        arrows.append(Arrow(_end(graph, value), output_box(label, value).id))
    return Network(graph.name, direction, tuple(boxes), tuple(frames), tuple(arrows), caption)


def is_parameter(statement: Statement) -> bool:
    """Whether it is a weight of an operation, which stands in that operation's box."""
    return isinstance(statement.op, Input) and statement.op.parameter


def box_of(graph: Graph, statement: Statement, notes: Notes) -> Box:
    """The box of one statement."""
    op = statement.op
    if isinstance(op, Input):
        optional = " (optional)" if op.optional and not op.required else ""
        type_ = f"{statement.type}{optional}"
        return Box(statement.name, "input", (op.name,), (type_,), (link(statement.name),))
    owned = (graph.table[name] for name in op.operands if is_parameter(graph.table[name]))
    made = f"{statement.name} : {statement.type}"
    weights = (
        f"{weight.op.role} {weight.type}" for weight in owned if isinstance(weight.op, Input)
    )
    details = (made, *weights, *notes.get(statement.name, ()))
    words = (_title(op), *_attributes(op))
    return Box(statement.name, op.mnemonic, words, details, (link(statement.name),))


def output_box(label: str, value: str) -> Box:
    """What leaves the graph."""
    return Box(f"output {label}", "input", (label,), (), (link(value),))


def _title(op: Op) -> str:
    """`Tiled attention`, of `TiledAttention`; names such as MatMul are one word."""
    name = type(op).__name__
    spaced = re.sub(r"(?<=[a-z])[A-Z]", lambda letter: f" {letter[0].lower()}", name)
    return name if name == "MatMul" else spaced


def _attributes(op: Op) -> Iterator[str]:
    """What it is told beside its operands, where that is not the usual."""
    defaults = {field.name: field.default for field in fields(op)}
    for name, value in op.fields_of("expression"):
        if value != defaults[name]:
            yield with_roots(to_text(value))
    for name, value in op.fields_of("attribute"):
        if value != defaults[name]:
            yield f"{name} {value}"


def with_roots(text: str) -> str:
    """`1 / √D` for `1 / sqrt(D)`, and `√(D + R)` for `sqrt(D + R)`."""
    return _ROOT.sub(lambda root: f"√{root[1] or ''}", text)


def _frame(statement: Statement, notes: Notes) -> Frame:
    op = statement.op
    assert isinstance(op, TiledScores)
    boxes = tuple(
        Box(_inner(statement, n), _KINDS[part], (origin.title,), _drawn(origin.span), links)
        for n, (origin, part, links) in enumerate(
            zip(statement.origins, _parts(statement), origin_links(statement), strict=True)
        )
    )
    lines = tuple(with_roots(line) for line in formula(statement.name, op))
    title = f"{_title(op)}  {statement.name} : {statement.type}"
    return Frame(
        statement.name,
        title,
        (*lines, *notes.get(statement.name, ())),
        boxes,
        (link(statement.name),),
    )


_KINDS = {
    Part.SCORES: "matmul",
    Part.SCALE: "scale",
    Part.SCORE: "score",
    Part.MASK: "mask",
    Part.SOFTMAX: "softmax",
    Part.VALUES: "matmul",
}


def _drawn(span: Span | None) -> tuple[str, ...]:
    """What was drawn, if that is short enough to be a remark."""
    text = "" if span is None else " ".join(span.text.split())
    return (text,) if 0 < len(text) <= 40 else ()


def _parts(statement: Statement) -> list[Part]:
    return parts_of([origin.title for origin in statement.origins])


def _inner(statement: Statement, number: int) -> str:
    return f"{statement.name} {number}"


def _end(graph: Graph, value: str) -> str:
    """The box that makes `value`: the last one of a frame."""
    statement = graph.table[value]
    if isinstance(statement.op, TiledScores) and statement.origins:
        return _inner(statement, len(statement.origins) - 1)
    return value


def _arrows(graph: Graph, statement: Statement) -> Iterator[tuple[str, str, str]]:
    """From operands to their user; those of a fused operation go to the part that takes them."""
    op = statement.op
    if not isinstance(op, TiledScores) or not statement.origins:
        for name in op.operands:
            if not is_parameter(graph.table[name]):
                yield _end(graph, name), statement.name, ""
        return
    parts = _parts(statement)
    places = {part: _inner(statement, number) for number, part in reversed([*enumerate(parts)])}
    for name in op.operands:
        taker = next((places[part] for part in _takers(op, name) if part in places), None)
        yield _end(graph, name), taker or _inner(statement, 0), ""
    for number in range(len(parts) - 1):
        yield _inner(statement, number), _inner(statement, number + 1), ""


def _takers(op: TiledScores, name: str) -> Iterator[Part]:
    """The parts that may read an operand, the likeliest first; an added mask is a score, too."""
    if name == getattr(op, "value", None):
        yield Part.VALUES
    read = ((Part.MASK, op.mask), (Part.SCORE, op.score), (Part.SOFTMAX, op.sink))
    yield from (part for part, expr in read if name in tensors_in(expr))
    if name in tensors_in(op.score):
        yield Part.MASK
    yield Part.SCORES
