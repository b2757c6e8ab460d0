"""The keys of `@{ … }`: which of them mean something where they stand, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.ir.ops import OPS, Linear, Op
from attn_dsl.semantics import errors
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.interface import InterfaceOf
from attn_dsl.semantics.labels import Meaning
from attn_dsl.syntax import Diagram, Metadata, repair

MERMAID = frozenset(
    (
        *("shape", "label", "labelType", "icon", "img", "form", "pos", "constraint", "w", "h"),
        *("animate", "animation", "curve", "view"),
    )
)
"""What mermaid 11 itself reads, at boxes, arrows or subgraphs."""

NODE, EDGE, SUBGRAPH = ("op", "type"), ("role",), ("repeat", "carry")
LINEAR = ("out", "bias")

KINDS: Mapping[str, tuple[type, str]] = {
    "op": (str, "it is a word of the vocabulary, or the path of a diagram, in quotes"),
    "type": (str, 'it is text in quotes, such as "f32[N, D]"'),
    "params": (str, 'it is text in quotes, such as "encoder.layer.{i}"'),
    "bias": (bool, "it is true or false"),
    "role": (str, "it is text, such as lhs, Query or Mask"),
    "carry": (str, 'it is text in quotes, such as "x -> y"'),
}
"""Of which kind a value has to be, where only some are possible."""


def keys_of(op: type[Op]) -> frozenset[str]:
    """The keys that an operation asks for: its attributes, and where its parameters come from."""
    roles = [field.metadata for field in fields(op)]
    named = {f.name for f in fields(op) if f.metadata.get("role") == "attribute"}
    named |= {f.name for f in fields(op) if f.name == "sink"}
    owned = {"params"} if any(role.get("owned") for role in roles) else set()
    return frozenset(named | owned | set(LINEAR if op is Linear else ()))


KNOWN = frozenset().union(NODE, EDGE, SUBGRAPH, *(keys_of(op) for op in OPS.values() if op.words))
"""What attn asks for somewhere."""


def check_keys(
    diagram: Diagram, drawing: Mapping[str, Drawn], interface_of: InterfaceOf
) -> Iterator[Diagnostic]:
    """Values of a wrong kind are errors, keys that mean nothing where they stand warnings."""
    for drawn in drawing.values():
        asked = _asked(drawn.meaning, interface_of)
        if asked is not None:
            yield from _check(
                drawn.node.data, {*NODE, *asked}, f"`{repair(drawn.node.label.text)}`"
            )
        else:
            yield from _check_kinds(drawn.node.data, {*NODE, *KNOWN})
        for operand in drawn.operands:
            keys = keys_of(operand.change.op) if operand.change.op is not None else ()
            yield from _check(operand.edge.data, {*EDGE, *keys}, "an arrow")
    for subgraph in diagram.subgraphs:
        yield from _check(subgraph.data, SUBGRAPH, "a subgraph")


def _asked(meaning: Meaning, interface_of: InterfaceOf) -> Collection[str] | None:
    """The keys that a node asks for beside `op` and `type`; None if that is not known."""
    if meaning.broken:
        return None
    if meaning.module:
        interface = interface_of(meaning.module)
        return None if interface is None else {"heads", "params", *interface.parameters}
    return keys_of(meaning.op) if meaning.op is not None else ()


def _check(data: Metadata, asked: Collection[str], what: str) -> Iterator[Diagnostic]:
    yield from _check_kinds(data, asked)
    for key in data.values:
        if key not in asked and key not in MERMAID:
            near = sorted({*asked, *MERMAID})
            elsewhere = key in KNOWN
            yield errors.unknown_key(data.spans[key], key, what, near, known_elsewhere=elsewhere)


def _check_kinds(data: Metadata, asked: Collection[str]) -> Iterator[Diagnostic]:
    for key, value in data.values.items():
        kind, wanted = KINDS.get(key, (object, ""))
        if key in asked and not isinstance(value, kind):
            yield errors.bad_attribute(data.spans[key], key, value, wanted)
        elif key == "params" and (other := re.search(r"\{(?!i\})\w*\}", str(value))):
            wanted = f"the index of the copy is `{{i}}`, and `{other[0]}` is none"
            yield errors.bad_attribute(data.spans[key], key, value, wanted)
