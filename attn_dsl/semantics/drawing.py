"""Every node with what it means and what flows into it, before any type is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from attn_dsl.diagnostics import Diagnostic, Span
from attn_dsl.ir import parse_type
from attn_dsl.ir.ops import Add, LogSumExp, Mask, Op, Softmax
from attn_dsl.semantics import errors
from attn_dsl.semantics.enough import MAX_ERRORS, until_enough
from attn_dsl.semantics.frames import Frame, frames_of
from attn_dsl.semantics.interface import Interface, InterfaceOf, is_path, read_taken
from attn_dsl.semantics.labels import Meaning, is_causal, part, read_label
from attn_dsl.semantics.vocabulary import (
    find_module,
    find_operation,
    find_role,
    is_optional,
    misspelt,
    operation_in,
)
from attn_dsl.syntax import Diagram, Edge, Node, Text, repair

_CALL = re.compile(r"\s*(?P<word>\w+)\s*\((?P<operands>.*)\)\s*")


@dataclass(frozen=True)
class Operand:
    """A value that flows into a node, and what is done to it on the way.

    `output` is which of its values a module with several gives here; `named` says that the
    label is an output's name, and need not mean anything to the node that the arrow ends at.
    `whole` is set where all members of a family flow into each member of another, and
    `scattered` where they flow into one node, but not as a row in the order of their indices.
    """

    source: str
    edge: Edge
    change: Meaning
    output: str = ""
    named: bool = False
    whole: bool = False
    scattered: bool = False


@dataclass(frozen=True)
class Family:
    """Members 1, 2, …: what their ids begin with, and how many there are, or the symbol.

    `names` are those of the first member, by which expressions may call it. `vectors` says
    that queries, keys and values which declare no type are vectors here, and `joined` that the
    members end side by side, in a concatenation.
    """

    stem: str
    size: str | int
    names: tuple[str, ...] = ()
    vectors: bool = True
    joined: bool = False


@dataclass(frozen=True)
class Drawn:
    """A node, its meaning and its operands in file order.

    `place` is where the operation is named: the node, or the edge or subgraph title that
    names it, and `label` the text there. `family` is set for a node that stands for many, with
    the places of the others as `twins`, and `vector` for an input that meets each of them as a
    vector. `frame` is the innermost subgraph around it.
    """

    node: Node
    meaning: Meaning
    operands: tuple[Operand, ...]
    place: Span
    label: Text
    family: Family | None = None
    vector: bool = False
    twins: tuple[Span, ...] = ()
    frame: Frame | None = None

    @property
    def name(self) -> str:
        """What the value is called: the NAME of its label, else its id."""
        return self.meaning.name or self.node.id


def read_drawing(
    diagram: Diagram, found: list[Diagnostic], interface_of: InterfaceOf = lambda module: None
) -> dict[str, Drawn]:
    """Read every node and edge; what is wrong with them is added to `found`.

    It stops where there are errors enough. `interface_of` says what the modules give that nodes
    name.
    """
    subgraphs = {subgraph.id for subgraph in diagram.subgraphs}
    nodes = [node for id, node in diagram.nodes.items() if id not in subgraphs]
    meanings = {n.id: _node_meaning(n, found) for n in until_enough(nodes, found)}
    operands: dict[str, list[Operand]] = {node: [] for node in diagram.nodes}
    comments: list[Edge] = []
    for edge in until_enough(diagram.edges, found):
        source = meanings.get(edge.source, Meaning())
        operand = _operand(edge, interface_of(source.module) if source.module else None, found)
        operands.get(edge.target, []).append(operand)
        if not operand.named and _is_comment(operand.edge, operand.change):
            comments.append(operand.edge)
    drawn = {
        node.id: _by_edges(
            Drawn(node, meanings[node.id], tuple(operands[node.id]), node.span, node.label),
            diagram,
            found,
        )
        for node in until_enough(nodes, found)
        if node.id in meanings
    }
    for edge in until_enough(diagram.edges if subgraphs else (), found):
        for end in (edge.source, edge.target):
            if end in subgraphs:
                found.append(errors.edge_to_subgraph(edge, end))
    found += _comments(comments, drawn)
    drawn |= dict(_by_titles(diagram, drawn))
    found += _misspelt(drawn)
    frames = frames_of(diagram)
    return {id: replace(d, frame=frames.get(d.node.subgraph)) for id, d in drawn.items()}


def _misspelt(drawn: Mapping[str, Drawn]) -> Iterator[Diagnostic]:
    """Warnings of boxes that do nothing and are called nearly like what does something."""
    passing = (d for d in drawn.values() if d.meaning == Meaning() and len(d.operands) == 1)
    for d in islice(passing, MAX_ERRORS):  # to find a word takes time
        label = d.node.label
        word = misspelt(repair(label.text)) if d.operands[0].change.op is None else None
        if word is not None:
            yield errors.like_an_operation(label, word)


def drawn_operations(diagram: Diagram) -> dict[str, str]:
    """What each node names, whether or not it all fits: a mnemonic, or `module`."""
    meanings = {id: drawn.meaning for id, drawn in read_drawing(diagram, []).items()}
    found = {id: meaning.op.mnemonic for id, meaning in meanings.items() if meaning.op is not None}
    return found | {id: "module" for id, meaning in meanings.items() if meaning.module}


def _node_meaning(node: Node, found: list[Diagnostic]) -> Meaning:
    """Steps 1 to 3: metadata, the forms of labels, the vocabulary."""
    said: list[Diagnostic] = []
    meaning = read_label(node.label, said)
    if not isinstance(node.data.values.get("op"), str) or meaning.type is not None:
        found += said  # where metadata says what a node does, its label is only shown
    if repair(node.label.text) != node.label.text:
        found.append(errors.repaired(node.label.span, repair(node.label.text)))
    data = node.data
    if isinstance(data.values.get("op"), str):
        meaning = _by_op(meaning, data.values["op"], data.spans["op"], found)
    if isinstance(data.values.get("type"), str):
        try:
            meaning = replace(meaning, type=parse_type(data.values["type"]))
        except ValueError as error:
            found.append(errors.bad_type(data.spans["type"], str(error)))
            meaning = replace(meaning, broken=True)
    if "axis" in data.values:
        axis = data.values["axis"]
        if not isinstance(axis, int) or isinstance(axis, bool) or axis >= 0:
            wanted = "axes count from the right: -1 is the last"
            found.append(errors.bad_attribute(data.spans["axis"], "axis", axis, wanted))
        else:
            meaning = replace(meaning, axis=axis)
    return meaning


def _by_op(meaning: Meaning, word: str, place: Span, found: list[Diagnostic]) -> Meaning:
    """`@{ op: … }`: an operation, a module of the library, or the path of a diagram."""
    meaning = replace(meaning, equation=None, broken=False)
    if is_path(word):
        return replace(meaning, op=None, module=word)
    op = find_operation(word)
    module = "" if op else find_module(word)
    if op is None and not module:
        found.append(errors.unknown_operation(place, word))
    optional, causal = is_optional(word), op is Mask and is_causal(word)
    said = replace(meaning, op=op or meaning.op, module=module, broken=not (op or module))
    return replace(said, optional=meaning.optional or optional, causal=meaning.causal or causal)


def _operand(edge: Edge, module: Interface | None, found: list[Diagnostic]) -> Operand:
    """What an arrow brings; out of a module its label may be the name of an output."""
    edge = _with_role(edge)
    outputs = module.outputs if module is not None else ()
    taken, several = read_taken(edge.label, outputs), len(outputs) > 1
    output = taken.output if several else ""
    if taken.label is not edge.label:
        edge = replace(edge, label=taken.label)
        return Operand(edge.source, edge, _edge_meaning(edge, found), output)
    if several and edge.label is not None:
        role = _role_of(str(edge.data.values.get("role", edge.label.text))) if output else ""
        return Operand(edge.source, edge, Meaning(role=role), output, named=True)
    meaning = _edge_meaning(edge, found)
    if meaning.op is not None and "role" in edge.data.values:
        meaning = replace(meaning, role=_role_of(str(edge.data.values["role"])))
    return Operand(edge.source, edge, meaning, named=bool(taken.output))


def _with_role(edge: Edge) -> Edge:
    """An arrow without a label says by its metadata what a label would: `e1@{ role: Query }`."""
    role = edge.data.values.get("role")
    if _has_label(edge) or not isinstance(role, str):
        return edge
    return replace(edge, label=Text(role, edge.data.spans["role"]))


def _has_label(edge: Edge) -> bool:
    return edge.label is not None and bool(edge.label.text.strip())


def _role_of(text: str) -> str:
    """What a value is for by the words of its arrow, whatever operation they name."""
    side = text.strip().lower()
    known = side if side in ("lhs", "rhs") else find_role(text)
    return "mask" if find_operation(text) is Mask else known


def _edge_meaning(edge: Edge, found: list[Diagnostic]) -> Meaning:
    if edge.label is None or not edge.label.text.strip():
        return Meaning()
    text = repair(edge.label.text)
    meaning = read_label(edge.label, found)
    side = text.strip().lower()
    if side in ("lhs", "rhs"):
        return Meaning(role=side)
    roles = roles_in(text)
    if meaning == Meaning(role=meaning.role) and len(roles) > 1 and all(roles):
        return Meaning()  # "K & V" is both, and not a key of index V
    if meaning == Meaning() and (call := _CALL.fullmatch(text)):
        return _call(edge, call, found)
    return meaning


def _is_comment(edge: Edge, meaning: Meaning) -> bool:
    """Whether the label of an arrow says nothing that is known."""
    if edge.label is None or not edge.label.text.strip() or meaning != Meaning():
        return False
    return not all(roles_in(repair(edge.label.text)))


def _comments(edges: Sequence[Edge], drawn: Mapping[str, Drawn]) -> Iterator[Diagnostic]:
    """Warnings of labels that say nothing; a module looks for the names of its inputs in them.

    To find what somebody meant takes time: it is done for as many as anyone reads.
    """
    for number, edge in enumerate(edges):
        if edge.label and not (edge.target in drawn and drawn[edge.target].meaning.module):
            yield errors.comment(edge.label, guess=number < MAX_ERRORS)


def roles_in(text: str) -> list[str]:
    """The role of each word in `Key & Value`; empty where it is none."""
    return [find_role(word) for word in re.split(r"&|,|\band\b", text)]


def _call(edge: Edge, call: re.Match[str], found: list[Diagnostic]) -> Meaning:
    """`Similarity(Q, K1)`: an operation, and its operands by id."""
    assert edge.label is not None
    op = find_operation(call["word"])
    if op is None:
        found.append(errors.unknown_operation(edge.label.span, call["word"]))
        return Meaning(broken=True)
    operands = tuple(id.strip() for id in call["operands"].split(","))
    return Meaning(op, calls=operands)


def _called(
    ids: tuple[str, ...],
    operands: tuple[Operand, ...],
    edge: Edge,
    diagram: Diagram,
    found: list[Diagnostic],
) -> tuple[Operand, ...]:
    """The operands that a call names by id, in its order; that counts as a use of them."""
    by_source = {operand.source: operand for operand in operands}
    for id in [id for id in ids if id not in diagram.nodes]:
        assert edge.label is not None
        found.append(errors.no_such_node(part(edge.label, id), id, diagram.nodes))
    known = [id for id in ids if id in diagram.nodes]
    return tuple(by_source.get(id, Operand(id, edge, Meaning())) for id in known)


def _by_edges(drawn: Drawn, diagram: Diagram, found: list[Diagnostic]) -> Drawn:
    """Step 4: one operation on one or more edges into a node that has none is the node's."""
    if all(operand.change.op is None for operand in drawn.operands):
        return drawn
    several = len(drawn.operands) > 1
    operands = tuple(_as_role(o, drawn.meaning, several=several) for o in drawn.operands)
    drawn = replace(drawn, operands=operands)
    named = [operand for operand in drawn.operands if operand.change.op is not None]
    if drawn.meaning.acts or not named:
        return drawn
    if len({operand.change.op for operand in named}) > 1:
        return drawn
    operands = tuple(replace(operand, change=Meaning()) for operand in drawn.operands)
    change, label = named[0].change, named[0].edge.label
    meaning = replace(change, calls=(), name=drawn.meaning.name, type=drawn.meaning.type)
    assert label is not None
    if change.calls:
        operands = _called(change.calls, operands, named[0].edge, diagram, found)
        meaning = replace(meaning, broken=len(operands) < len(change.calls))
        others = [o for o in drawn.operands if not _belongs(o, change.calls)]
        found += [errors.not_called(o.edge, label) for o in others if not meaning.broken]
    return Drawn(drawn.node, meaning, operands, label.span, label)


def _belongs(operand: Operand, calls: tuple[str, ...]) -> bool:
    """Whether an arrow into a node whose label calls for `calls` brings one of them."""
    return operand.source in calls and operand.change.calls in ((), calls)


def _as_role(operand: Operand, meaning: Meaning, *, several: bool) -> Operand:
    """`-- Mask -->` into a mask or a module says which operand it is, and is no second mask.

    So it does into a softmax, beside another arrow that brings the scores, and so does
    `-- Residual -->` into an addition, or into `Add & Norm`.
    """
    change = operand.change
    plain = change.expr is None and not change.optional
    beside = meaning.op in (Softmax, LogSumExp) and several and not change.causal
    if plain and change.op is Mask and (meaning.op is Mask or meaning.module or beside):
        return replace(operand, change=Meaning(role="mask"))
    if plain and change.op is Add and (meaning.op is Add or meaning.module == "add_norm"):
        return replace(operand, change=Meaning())
    return operand


def _by_titles(diagram: Diagram, drawn: Mapping[str, Drawn]) -> Iterator[tuple[str, Drawn]]:
    """Step 5: a title names the operation of a subgraph in which nothing else does."""
    members: dict[str | None, list[Drawn]] = {}
    for d in drawn.values():
        members.setdefault(d.node.subgraph, []).append(d)
    for subgraph in diagram.subgraphs:
        inside = members.get(subgraph.id, [])
        if not inside or any(d.meaning.acts for d in inside):
            continue
        op: type[Op] | None = operation_in(subgraph.title.text)
        if op is None:
            continue
        for d in inside:
            if d.operands:
                meaning = replace(d.meaning, op=op)
                title = subgraph.title
                yield d.node.id, replace(d, meaning=meaning, place=title.span, label=title)
