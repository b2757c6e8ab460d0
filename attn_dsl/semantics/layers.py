"""Layers that own parameters, and the shapes of heads: one function an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attn_dsl.ir import Dim, DType, Origin, TensorType
from attn_dsl.ir.ops import (
    Concatenate,
    Embedding,
    Function,
    LayerNorm,
    Linear,
    Mean,
    MergeHeads,
    Positions,
    Softmax,
    SplitHeads,
    Sum,
)
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.heads import share_head
from attn_dsl.semantics.lookup import count
from attn_dsl.semantics.matmul import build_matmul
from attn_dsl.semantics.site import Argument, Site, has_operands, typed
from attn_dsl.semantics.sizes import read_size

WIDTH = "d_model"
"""The size of what an embedding gives, where nothing else is said."""


def _one(
    builder: Builder, site: Site, arguments: Sequence[Argument], like: TensorType | None = None
) -> str | None:
    if not has_operands(builder, site, arguments, range(1, 2), "one value"):
        return None
    return typed(builder, site, arguments[0], like)


def parameter(builder: Builder, site: Site, suffix: str, role: str, *dims: Dim) -> str | None:
    """A parameter of the operation, called by its path; None if there is one of that name."""
    name = ".".join((*site.parameter_path, suffix))
    type_ = TensorType(builder.settings.dtype, dims)
    return builder.add_input(name, type_, role, site.scope.call or site.place, parameter=True)


def width_of(builder: Builder, site: Site, x: str) -> Dim | None:
    """The last dim of x; an error if it is a single number."""
    type_ = builder.type_of(x)
    if type_.dims:
        return type_.dims[-1]
    message = f"`{site.label.text}` works along the last dim, and {type_} has none"
    builder.found.append(errors.mismatch(site.place, message, ()))
    return None


def build_linear(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """x Wᵀ + b; as wide as x unless `out` says otherwise, or a branch of tokens ends here."""
    x = _one(builder, site, arguments)
    if x is None:
        return None
    width = width_of(builder, site, x)
    if width is None:
        return None
    out = out_width(builder, site, width, x)
    weight = parameter(builder, site, "weight", "linear", out, width)
    has_bias = site.data.values.get("bias", True) is not False
    bias = parameter(builder, site, "bias", "bias", out) if has_bias else ""
    if weight is None or bias is None:
        return None
    return builder.add(site.wish, Linear(x, weight, bias), site.origin("Linear"))


def out_width(
    builder: Builder, site: Site, width: Dim, x: str, sizes: Mapping[str, Dim] | None = None
) -> Dim:
    """How wide the result of a Linear is: `out`, an expression in `sizes` too, or as said above."""
    said = site.data.values.get("out")
    if said is None:
        ends = x in builder.vocabulary and _ends_branch(site)
        return builder.vocabulary[x] if ends else width
    place = site.data.spans["out"]
    known = {**site.scope.parameters, **(sizes or {}), "in": width}
    return read_size(builder, place, "out", said, known)


def _ends_branch(site: Site) -> bool:
    """Whether only a softmax, or nothing, comes after this node."""
    drawing, id = site.scope.drawing, site.drawn.node.id
    if site.scope.prefix:
        return False  # inside a module there is always something after it
    while True:
        users = [d for d in drawing.values() if any(o.source == id for o in d.operands)]
        if not users:
            return True
        if len(users) > 1 or (users[0].meaning.acts and users[0].meaning.op is not Softmax):
            return False
        id = users[0].node.id


def build_norm(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Layer norm over the last axis, with a gain and a bias."""
    x = _one(builder, site, arguments)
    if x is None:
        return None
    width = width_of(builder, site, x)
    if width is None:
        return None
    gain = parameter(builder, site, "weight", "gain", width)
    bias = parameter(builder, site, "bias", "bias", width)
    epsilon = epsilon_of(builder, site)
    if gain is None or bias is None:
        return None
    return builder.add(site.wish, LayerNorm(x, gain, bias, epsilon), site.origin("LayerNorm"))


def epsilon_of(builder: Builder, site: Site) -> float:
    """What keeps the variance above 0."""
    said = site.data.values.get("epsilon", 1e-5)
    if isinstance(said, (int, float)) and not isinstance(said, bool) and said >= 0:
        return float(said)
    wanted = "it is a number that is not negative, such as 1e-5"
    builder.found.append(errors.bad_attribute(site.data.spans["epsilon"], "epsilon", said, wanted))
    return 1e-5


def build_embedding(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """A row of a table for each id; ids that declare no type are i64[..., length]."""
    name = arguments[0].value.known_as[0] if arguments and arguments[0].value.known_as else "ids"
    length = Dim.of(f"{name}_length")
    ids = _one(builder, site, arguments, TensorType(DType.I64, (length,), batch=True))
    if ids is None:
        return None
    size = Dim.of(f"{site.wish}_vocabulary")
    table = parameter(builder, site, "weight", "table", size, Dim.of(WIDTH))
    if table is None:
        return None
    added = builder.add(site.wish, Embedding(ids, table), site.origin("Embedding"))
    if added is not None:
        builder.vocabulary[added] = size
    return added


def build_positions(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Sinusoids, added."""
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, Positions(x), site.origin("Positions"))


def add_positions(
    builder: Builder, site: Site, x: str | None, positions: Sequence[Drawn]
) -> str | None:
    """Sinusoids of the length and width of x, for each box of them that is added to it."""
    for drawn in positions:
        origin = Origin("Positions", drawn.place, site.scope.call)
        x = x and builder.add(site.wish, Positions(x), origin)
    return x


def build_function(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """An element-wise function."""
    op = site.meaning.op
    assert op is not None
    assert issubclass(op, Function)
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, op(x), site.origin(op.__name__))


def build_sum(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Over the last axis unless metadata says otherwise; of weights and values, their product."""
    if len(arguments) == 2:
        return build_matmul(builder, site, arguments)
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, Sum(x, site.meaning.axis or -1), site.origin("Sum"))


def build_mean(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Over the last axis unless metadata says otherwise."""
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, Mean(x, site.meaning.axis or -1), site.origin("Mean"))


def build_split_heads(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Columns to heads; how many has to be given."""
    x = _one(builder, site, arguments)
    if x is None:
        return None
    heads = heads_of(builder, site)
    if heads is None:
        return None
    return builder.add(site.wish, SplitHeads(x, heads), site.origin("SplitHeads"))


def heads_of(builder: Builder, site: Site) -> int | None:
    """The number of heads: a setting for the node, its metadata, or what holds around it."""
    scope, steps, data = site.scope, site.scope.steps(site.drawn), site.data
    place = scope.call or data.spans.get("heads", site.place)
    given = count(builder, scope, steps, "heads", data.values.get("heads"), place)
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    scoped = f"{(scope.shared or steps)[-1]}.heads"
    is_size = "heads" in builder.declared
    builder.found.append(errors.no_heads(place, given, scoped, is_size=is_size))
    return None


def build_merge_heads(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Heads to columns."""
    x = _one(builder, site, arguments)
    return x and builder.add(site.wish, MergeHeads(x), site.origin("MergeHeads"))


def build_concatenate(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Along the last axis unless metadata says otherwise."""
    if not has_operands(builder, site, arguments, range(1, 1000), "values"):
        return None
    values = [typed(builder, site, argument, None) for argument in arguments]
    parts = tuple(value for value in values if value is not None)
    if len(parts) < len(values):
        return None
    widest = max(parts, key=lambda part: len(builder.type_of(part).dims))
    spelled = [(*argument.value.known_as, "this value")[0] for argument in arguments]
    shared = [
        share_head(builder, site, part, name, widest)
        for part, name in zip(parts, spelled, strict=True)
    ]
    op = Concatenate(tuple(filter(None, shared)), site.meaning.axis or -1)
    return builder.add(site.wish, op, site.origin("Concatenate"))
