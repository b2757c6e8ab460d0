"""Masks with an arrow into a module: which attention inside it each of them is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import DType
from attn_dsl.ir.ops import Mask
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.matching import goes_to, role_of
from attn_dsl.semantics.modules import Module, load_module, module_path
from attn_dsl.semantics.scope import Path
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.values import Value

MAX_SLOTS = 100
"""How many optional masks of a module are looked at."""


@dataclass(frozen=True)
class Slot:
    """An optional mask of a module, or of one inside it: the ids and the labels that lead there.

    Where a module has an input that is one, the others are not `open`: they have to be named.
    """

    path: Path
    labels: tuple[str, ...]
    is_input: bool = False
    open: bool = True

    def within(self, drawn: Drawn) -> Slot:
        """The same slot, seen from a drawing that calls the module in the node `drawn`."""
        path, labels = (drawn.node.id, *self.path), (drawn.node.label.text, *self.labels)
        return Slot(path, labels, open=self.open)

    def names(self, *, mask: bool) -> Iterator[str]:
        """What an arrow may call it: what leads there, or the end of that.

        What is a `mask` by itself needs no more than the name of its attention.
        """
        for parts in (self.path, self.labels):
            for first in range(max(1, len(parts) - 1)):
                yield _words(" ".join(parts[first:]))
                if mask:
                    yield _words(" ".join(parts[first:-1]))


@dataclass(frozen=True)
class Placed:
    """The arrows into a module once its masks are placed.

    `masks` go to optional masks by their path, `bound` to inputs that are optional masks by
    their id; `others` are for the module's other inputs.
    """

    masks: Mapping[Path, tuple[Value, ...]]
    bound: Mapping[str, Value]
    others: Sequence[Argument]


def place_masks(
    builder: Builder, site: Site, module: Module, arguments: Sequence[Argument]
) -> Placed | None:
    """A mask with an arrow into the call takes the place of an optional one, several together.

    It goes to the one that its arrow names, else to the only one that is open. None once what
    is wrong was reported.
    """
    slots = find_slots(module)
    others: list[Argument] = []
    placed = {path[1:]: list(values) for path, values in _passed(site)}
    for argument in arguments:
        free = [s for s in slots if _names(argument, s, mask=_is_mask(builder, module, argument))]
        if any(goes_to(argument, drawn) for drawn in module.inputs):
            free = []
        elif not free and _is_mask(builder, module, argument):
            free = [slot for slot in slots if slot.open]
            if not free and len(arguments) > len(module.inputs):
                builder.found.append(errors.no_mask_inside(argument.place, site.label.text))
                return None
        if len(free) > 1:
            names = [".".join(slot.path) for slot in free]
            builder.found.append(errors.which_attention(argument.place, site.label.text, names))
            return None
        if free:
            placed.setdefault(free[0].path, []).append(argument.value)
        else:
            others.append(argument)
    inputs = {slot.path for slot in slots if slot.is_input}
    for path in inputs & set(placed):
        if len(placed[path]) > 1:
            inside = [".".join(slot.path) for slot in slots if not slot.is_input]
            error = errors.masks_meet(site.place, path[0], next(iter(inside), ""))
            builder.found.append(error)
            return None
    return Placed(
        {path: tuple(values) for path, values in placed.items() if path not in inputs},
        {path[0]: values[0] for path, values in placed.items() if path in inputs},
        others,
    )


def _passed(site: Site) -> Iterator[tuple[Path, tuple[Value, ...]]]:
    """The masks that come from around, for an attention inside this module."""
    for path, values in site.scope.masks.items():
        if len(path) > 1 and path[0] == site.drawn.node.id:
            yield path, values


def _is_mask(builder: Builder, module: Module, argument: Argument) -> bool:
    """Whether it is called a mask, or is boolean, as nothing else is."""
    if any(role_of(drawn) == "mask" for drawn in module.inputs):
        return False  # which is an argument like any other
    value = argument.value
    if "mask" in argument.roles or value.role == "mask":
        return True
    types = [drawn.meaning.type for drawn in module.inputs]
    if value.name is None or any(t is not None and t.dtype is DType.BOOL for t in types):
        return False
    return builder.type_of(value.name).dtype is DType.BOOL


def _names(argument: Argument, slot: Slot, *, mask: bool) -> bool:
    """Whether the label of the arrow calls the slot."""
    if argument.label is None:
        return False
    label = _words(argument.label.text)
    return bool(label) and label in slot.names(mask=mask)


def _words(text: str) -> str:
    """A label, or ids, as they are compared: words in lower case, without "optional"."""
    words = re.sub(r"[\W_]+", " ", re.sub(r"<br\s*/?>", " ", text.lower())).split()
    return " ".join(word for word in words if word not in ("opt", "optional"))


def find_slots(module: Module) -> list[Slot]:
    """The optional masks of a module and of those inside it, in file order."""
    return _find(module, {})


def _find(module: Module, known: dict[tuple[str, int], list[Slot]]) -> list[Slot]:
    """`known` are the modules that were searched, and those that are being searched."""
    if module.key in known:
        return known[module.key]
    known[module.key] = []
    slots: list[Slot] = []
    for drawn in module.drawing.values():
        slots += _own(drawn)
        if drawn.meaning.module:
            slots += (slot.within(drawn) for slot in _inside(module, drawn, known))
    if any(slot.is_input for slot in slots):
        slots = [replace(slot, open=slot.is_input) for slot in slots]
    known[module.key] = slots[:MAX_SLOTS]
    return known[module.key]


def _own(drawn: Drawn) -> Iterator[Slot]:
    """A box that is an optional mask and draws none, or an arrow that is one."""
    changes = [operand.change for operand in drawn.operands]
    box = drawn.meaning.op is Mask and drawn.meaning.optional and len(changes) < 2
    if box or any(change.op is Mask and change.optional for change in changes):
        yield Slot((drawn.node.id,), (drawn.node.label.text,), is_input=box and not changes)


def _inside(module: Module, drawn: Drawn, known: dict[tuple[str, int], list[Slot]]) -> list[Slot]:
    try:
        return _find(load_module(module_path(drawn.meaning.module, module.diagram)), known)
    except DiagnosticError:
        return []  # it is reported where it is used
