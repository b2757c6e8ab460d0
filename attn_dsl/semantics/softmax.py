"""Softmax and log-sum-exp, and what may flow in: masks, and a sink, a logit that has no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.expr import MINUS_INF, Expr, ExpressionError, Name, Number, Tensor, parse
from attn_dsl.ir import TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import LogSumExp, Softmax
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.captured import bind_tensors, check_names, mentioned
from attn_dsl.semantics.mask_operands import scores_of_softmax
from attn_dsl.semantics.masks import apply_masks
from attn_dsl.semantics.scaling import with_sizes
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.syntax import Text


def build_softmax(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Over the last axis, unless metadata says otherwise; masks and a sink may flow in beside."""
    if "sink" in site.data.values:
        return _by_expression(builder, site, arguments)
    sinks = [argument for argument in arguments if is_sink(argument)]
    sink = sinks[-1] if sinks and len(arguments) > 1 else None
    x = _scores(builder, site, [argument for argument in arguments if argument is not sink])
    if x is None or sink is None:
        return x and _add(builder, site, x, MINUS_INF)
    expr = _by_dims(builder, site, sink, builder.type_of(x))
    return x if expr is None else _add(builder, site, x, expr)  # reported; go on without it


def _scores(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """What is left of the scores once each mask that flows in hides what it hides."""
    scores = scores_of_softmax(builder, arguments)
    if scores is None:
        error = errors.softmax_operands(site.place, site.label.text, len(arguments))
        builder.found.append(error)
        return None
    masked = replace(site, wish=f"{site.wish}_masked")
    return apply_masks(builder, masked, scores, [a for a in arguments if a is not scores])


def is_sink(argument: Argument) -> bool:
    """Whether the value, or the arrow that brings it, is called a sink."""
    return "sink" in argument.roles or argument.value.role == "sink"


def _by_dims(builder: Builder, site: Site, argument: Argument, scores: TensorType) -> Expr | None:
    """`sinks[h]` for a sink [H]: each of its dims is that of a batch, a head or a query.

    A sink without a type has one number for each head.
    """
    like = TensorType(scores.dtype, scores.dims[-3:-2]) if len(scores.dims) > 2 else None
    name = typed(builder, site, argument, like)
    if name is None:
        return None
    sink = builder.type_of(name)
    if not sink.dims:
        return Tensor(name)
    indices: list[Expr] = []
    for dim in sink.dims:
        places = [i for i, size in zip("qhb", scores.dims[-2::-1], strict=False) if size == dim]
        if dim != ONE and len(places) != 1:
            builder.found.append(errors.sink_dims(argument.place, str(sink), str(dim), str(scores)))
            return None
        indices.append(Number(0) if dim == ONE else Name(places[0]))
    return Tensor(name, tuple(indices))


def _by_expression(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """`@{ sink: "sinks[h]" }`: one argument brings the scores, the others what it names."""
    text, place = str(site.data.values["sink"]), site.data.spans["sink"]
    try:
        expr = with_sizes(builder, site, parse(text))
    except ExpressionError as error:
        builder.found.append(errors.bad_expression(place, str(error), error.help))
        return None
    captured = [argument for argument in arguments if mentioned(expr, argument)]
    if not check_names(builder, replace(site, label=Text(text, place)), expr, captured):
        return None
    x = _scores(builder, site, [argument for argument in arguments if argument not in captured])
    values = [(argument, typed(builder, site, argument, None)) for argument in captured]
    tensors = [(argument, value) for argument, value in values if value is not None]
    if x is None or len(tensors) < len(captured):
        return None
    return _add(builder, site, x, bind_tensors(expr, tensors))


def _add(builder: Builder, site: Site, x: str, sink: Expr) -> str | None:
    made = LogSumExp if site.meaning.op is LogSumExp else Softmax
    op = made(x, site.meaning.axis or -1, sink)
    return builder.add(site.wish, op, site.origin(made.__name__))
