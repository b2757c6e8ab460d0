"""From a drawn operation and its arguments to statements: one function an operation.

Each function returns the name of the value, or None once it has reported what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attn_dsl.ir.ops import (
    Add,
    Cast,
    Concatenate,
    Divide,
    Elementwise,
    Embedding,
    GatherPages,
    Identity,
    LayerNorm,
    Linear,
    LogSumExp,
    Mask,
    MatMul,
    Mean,
    MergeHeads,
    Multiply,
    Op,
    Positions,
    Relu,
    Scale,
    Score,
    Sigmoid,
    Softmax,
    SplitHeads,
    Subtract,
    Sum,
    Tanh,
    Transpose,
)
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.casts import build_cast
from attn_dsl.semantics.layers import (
    add_positions,
    build_concatenate,
    build_embedding,
    build_function,
    build_linear,
    build_mean,
    build_merge_heads,
    build_norm,
    build_positions,
    build_split_heads,
    build_sum,
)
from attn_dsl.semantics.masks import build_mask, build_score
from attn_dsl.semantics.matmul import build_matmul
from attn_dsl.semantics.pages import build_gather_pages
from attn_dsl.semantics.scales import build_scale
from attn_dsl.semantics.site import Argument, Site, has_operands, known_types, typed
from attn_dsl.semantics.softmax import build_softmax

Build = Callable[[Builder, Site, Sequence[Argument]], str | None]
MANY = 1000


def build(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Add the operation that `site` means, on `arguments`."""
    assert site.meaning.op is not None
    return BUILDERS[site.meaning.op](builder, site, arguments)


def _one(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """The value of an operation's only argument."""
    if not has_operands(builder, site, arguments, range(1, 2), "one value"):
        return None
    return typed(builder, site, arguments[0], None)


def build_transpose(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Transpose of the last two dims."""
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, Transpose(x), site.origin("Transpose"))


def build_elementwise(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Two operands; Add and Multiply take more, one after the other."""
    op = site.meaning.op
    assert op is not None
    assert issubclass(op, Elementwise)
    many = op in (Add, Multiply)
    count = range(2, MANY if many else 3)
    positions = [a.value.pending for a in arguments if a.value.pending and a.value.is_positions]
    if op is Add and positions and len(arguments) > 1:
        rest = [argument for argument in arguments if not argument.value.is_positions]
        if not rest:
            builder.found.append(errors.lone_positions(positions[0].node, site.place))
        return add_positions(builder, site, _chain(builder, site, Add, rest), positions)
    wanted = "two values or more" if many else "two values"
    if not has_operands(builder, site, arguments, count, wanted):
        return None
    return _chain(builder, site, op, arguments)


def _chain(
    builder: Builder, site: Site, op: type[Elementwise], arguments: Sequence[Argument]
) -> str | None:
    """One operation after the other; an input without a type has that of another operand."""
    like = next(iter(known_types(builder, arguments)), None)
    values = [typed(builder, site, argument, like) for argument in arguments]
    total = values[0] if values else None
    for value in values[1:]:
        if total is None or value is None:
            return None
        total = builder.add(site.wish, op(total, value), site.origin(op.__name__))
    return total


BUILDERS: Mapping[type[Op], Build] = {
    MatMul: build_matmul,
    Transpose: build_transpose,
    Scale: build_scale,
    Mask: build_mask,
    Score: build_score,
    Softmax: build_softmax,
    LogSumExp: build_softmax,
    Add: build_elementwise,
    Subtract: build_elementwise,
    Multiply: build_elementwise,
    Divide: build_elementwise,
    Linear: build_linear,
    LayerNorm: build_norm,
    Embedding: build_embedding,
    Positions: build_positions,
    Relu: build_function,
    Sigmoid: build_function,
    Tanh: build_function,
    Identity: build_function,
    Cast: build_cast,
    Sum: build_sum,
    Mean: build_mean,
    SplitHeads: build_split_heads,
    MergeHeads: build_merge_heads,
    Concatenate: build_concatenate,
    GatherPages: build_gather_pages,
}
