"""Which of the values that meet are masks, and how to write one that does not fit the scores."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attn_dsl.diagnostics import Note
from attn_dsl.expr import INDICES, Kind
from attn_dsl.ir import DType, TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Input
from attn_dsl.ir.types import broadcasts_to
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument, Site

_MASK = re.compile(r"mask(?!ed)", re.IGNORECASE)


def find_scores(builder: Builder, arguments: Sequence[Argument]) -> Argument | None:
    """The scores among masks: what is left when those go that show a sign of being a mask.

    First comes what scores cannot be: boolean, or of no known type. A sign that all show that
    are left says nothing. None if more than one is left.
    """
    left = list(arguments)
    for sign in (_is_boolean, _is_undeclared, _is_labelled, _is_named, _is_input):
        if len(left) > 1:
            left = [argument for argument in left if not sign(builder, argument)] or left
    return left[0] if len(left) == 1 else None


def scores_of_softmax(builder: Builder, arguments: Sequence[Argument]) -> Argument | None:
    """The scores among what flows into a softmax, if all else is boolean or called a mask.

    In `S -- Mask --> P`, with an input beside, the label says what is done with the two.
    """
    signs = (_is_boolean, _is_labelled, _is_named)
    scores = find_scores(builder, arguments)
    if scores is None or _is_labelled(builder, scores):
        return scores
    others = [argument for argument in arguments if argument is not scores]
    clear = all(any(sign(builder, a) for sign in signs) for a in others)
    return scores if clear else None


def _is_labelled(builder: Builder, argument: Argument) -> bool:
    """By its own label, or that of its arrow."""
    return argument.value.role == "mask"


def _is_boolean(builder: Builder, argument: Argument) -> bool:
    name = argument.value.name
    return name is not None and builder.type_of(name).dtype is DType.BOOL


def _is_named(builder: Builder, argument: Argument) -> bool:
    names = argument.value.known_as
    return _is_drawn_input(builder, argument) and any(map(_MASK.search, names))


def _is_undeclared(builder: Builder, argument: Argument) -> bool:
    return argument.value.pending is not None


def _is_input(builder: Builder, argument: Argument) -> bool:
    name = argument.value.name
    return name is not None and isinstance(builder.statements[name].op, Input)


def _is_drawn_input(builder: Builder, argument: Argument) -> bool:
    return _is_undeclared(builder, argument) or _is_input(builder, argument)


def fits(builder: Builder, site: Site, scores: str, mask: str, known_as: Sequence[str]) -> bool:
    """Whether a mask broadcasts to the scores; an error says how else to write it."""
    given, wanted = builder.type_of(mask), builder.type_of(scores)
    if given.dtype.kind is not Kind.INT and broadcasts_to(given, wanted):
        return True
    notes = []
    for value, type_ in ((scores, wanted), (mask, given)):
        span = builder.statements[value].origins[0].span
        if span is not None:
            notes.append(Note(span, f"{value} is {type_}"))
    message = f"the mask {given} does not broadcast to the scores {wanted}"
    if given.dtype.kind is Kind.INT:
        message = f"a mask is boolean, or a float that is added, and this one is {given}"
    help = _help((*known_as, mask)[0], given, wanted)
    builder.found.append(errors.mismatch(site.place, message, tuple(notes), help))
    return False


def _help(name: str, given: TensorType, wanted: TensorType) -> str:
    """The mask as an expression, `Mask: keep[b, k]`, if its dims tell the indices."""
    indices = "" if broadcasts_to(given, wanted) else _indices(given, wanted)
    if indices is None or not name.isidentifier():
        same = "give the dims that are the same size one name"
        return f"{same}; a mask of the keys of each batch is written `Mask: keep[b, k]`"
    match given.dtype.kind:
        case Kind.BOOL:
            return f"write it as `Mask: {name}{indices}`"
        case Kind.INT:
            return f"write it as `Mask: {name}{indices} != 0`"
    return f"write it as `Score: s + {name}{indices}`"


def _indices(given: TensorType, wanted: TensorType) -> str | None:
    """`[b, k]`: each dim by the last of the scores' dims that is of its size and still free."""
    free = list(zip(INDICES[-len(wanted.dims) :], wanted.dims, strict=True))
    found: list[str] = []
    for dim in reversed(given.dims):
        place = next((i for i in reversed(range(len(free))) if free[i][1] == dim), None)
        if place is not None:
            found.insert(0, free[place][0])
            del free[place:]
        elif dim == ONE:
            found.insert(0, "0")
        elif wanted.batch and len(found) == len(given.dims) - 1:
            found.insert(0, "b")
        else:
            return None
    return None if given.batch else f"[{', '.join(found)}]"
