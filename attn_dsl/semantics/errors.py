"""What elaboration says: all its wording, and its codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from attn_dsl.diagnostics import Diagnostic, Note, Severity, Span, nearest
from attn_dsl.expr import SCORE
from attn_dsl.ir import Dim
from attn_dsl.semantics.settings import Origin
from attn_dsl.semantics.vocabulary import nearest_words
from attn_dsl.syntax import Edge, Node, Text, repair


def _did_you_mean(text: str) -> str:
    near = nearest_words(text)
    return f"did you mean {' or '.join(f'`{word}`' for word in near)}?" if near else ""


def unknown_operation(span: Span, name: str) -> Diagnostic:
    """A word that was to be an operation, and is none."""
    help = _did_you_mean(name) or "operations are MatMul, Scale, Mask, Softmax, Add, Transpose, …"
    if "/" in name:
        help = "the file of a diagram ends in .attn, .mmd or .md; a block of it is `notes.md#2`"
    return Diagnostic("E031", f"`{name}` is no known operation", span, help=help)


def no_operation(node: Node, edges: Sequence[Edge]) -> Diagnostic:
    """Several values flow into a node that does not say what it does with them."""
    notes = tuple(Note(edge.span, "flows in here") for edge in edges[:3])
    message = f"{len(edges)} values flow into `{node.label.text}`, which names no operation"
    help = _did_you_mean(node.label.text) or "label it with an operation, such as `Add` or `MatMul`"
    return Diagnostic("E032", message, node.span, "what does it do with them?", notes, help)


def operand_count(span: Span, what: str, wanted: str, given: int) -> Diagnostic:
    """An operation with too few or too many arrows in."""
    arrows = {0: "no value flows", 1: "one value flows"}.get(given, f"{given} values flow")
    message = f"`{what}` takes {wanted}, and {arrows} in"
    return Diagnostic("E033", message, span, help="draw an arrow for each operand, in order")


def module_operands(span: Span, what: str, wanted: str, given: int) -> Diagnostic:
    """A module with too few or too many arrows in."""
    help = "draw an arrow for each, and label those that bring several: `-- Key & Value -->`"
    return replace(operand_count(span, what, wanted, given), help=help)


def softmax_operands(span: Span, what: str, given: int) -> Diagnostic:
    """A softmax of several values of which it is not clear what they are for."""
    error = operand_count(span, what, "scores, masks, and at most one sink", given)
    help = "label the arrow of a mask, `-- Mask -->`, and that of a sink, `-- Sink -->`"
    return replace(error, help=help) if given > 1 else error


def lone_positions(node: Node, user: Span) -> Diagnostic:
    """A positional encoding without arrows in that is not added to anything."""
    message = f"`{repair(node.label.text)}` has no arrow in, so it can only be added to a value"
    help = "draw arrows from it and from the embedding into `Add`, or one from the embedding to it"
    return Diagnostic("E033", message, node.span, "", (Note(user, "is used here"),), help)


def cycle(nodes: Sequence[Node]) -> Diagnostic:
    """Values that depend on themselves."""
    path = " → ".join(node.id for node in (*nodes, nodes[0]))
    notes = tuple(Note(node.span, "is part of it") for node in nodes[1:4])
    help = "a diagram runs from its inputs to its outputs; remove one of these arrows"
    return Diagnostic("E034", f"the arrows run in a circle: {path}", nodes[0].span, "", notes, help)


def bad_type(span: Span, message: str) -> Diagnostic:
    """A type that cannot be read."""
    help = "a type is an element type and sizes, as in `f32[B, H, N, D]` or `f32[..., N, D]`"
    return Diagnostic("E035", message, span, help=help)


def bad_cast(span: Span, message: str) -> Diagnostic:
    """A cast that does not say to what."""
    help = "write `Cast to f32`, or `@{ dtype: f32 }`"
    return Diagnostic("E035", message, span, help=help)


def bad_expression(span: Span, message: str, help: str = "") -> Diagnostic:
    """An expression that cannot be read."""
    help = help or "expressions are written as in Python: `k <= q and doc[b, q] == doc[b, k]`"
    return Diagnostic("E036", message, span, help=help)


INDEX_WORDS = {
    **{"batch": "b", "head": "h", "query": "q", "key": "k", "score": "s", "scores": "s"},
    **{"i": "q", "j": "k", "row": "q", "col": "k", "column": "k", "q_idx": "q", "kv_idx": "k"},
}
"""What elsewhere the indices, and the score, are called."""


def unknown_name(span: Span, name: str, scope: Sequence[str], *, drawn: bool = False) -> Diagnostic:
    """A name in an expression that means nothing there; `drawn`, if a node is called so."""
    if drawn:
        help = f"draw an arrow from `{name}` into this node"
        return Diagnostic("E037", f"`{name}` does not flow in here", span, help=help)
    help = f"known here are {', '.join(scope)}; a tensor must have an arrow into the node"
    if INDEX_WORDS.get(name.lower()) in scope:
        help = f"write `{INDEX_WORDS[name.lower()]}`; {help}"
    return Diagnostic("E037", f"`{name}` means nothing here", span, help=help)


def size_or_index(span: Span, name: str) -> Diagnostic:
    """A size that is called like an index, where there are indices."""
    meaning = "the score" if name == SCORE.id else "an index"
    message = f"`{name}` is the name of a size, and of {meaning} too"
    other = {"q": "Lq", "k": "Lk"}.get(name, name.upper())
    help = f"call the size otherwise in the types that declare it, such as `{other}`"
    return Diagnostic("E037", message, span, help=help)


def size_of_nothing(span: Span, name: str) -> Diagnostic:
    """A size that only an unused input has."""
    message = f"the size `{name}` is that of no input that is used"
    help = "write a number, or a size of an input that the result depends on"
    return Diagnostic("E037", message, span, help=help)


def mismatch(
    span: Span, message: str, notes: tuple[Note, ...], help: str = "", what: str = "shapes"
) -> Diagnostic:
    """Types that do not fit together."""
    return Diagnostic("E038", f"{what} do not fit: {message}", span, "", notes, help)


def undeclared(node: Node, user: Span) -> Diagnostic:
    """An input whose type follows neither from its words nor from its use."""
    message = f"the type of `{node.label.text}` is not known"
    notes = (Note(user, "is used here"),)
    help = f'declare it, as in `{node.id}(["{node.id} : f32[N, D]"])`'
    return Diagnostic("E039", message, node.span, "an input, as no arrow ends here", notes, help)


def nothing_to_compute(span: Span) -> Diagnostic:
    """A drawing without an operation."""
    help = "draw arrows from inputs to operations: `Q --> MatMul`"
    return Diagnostic("E040", "this diagram computes nothing", span, help=help)


def which_mask(span: Span) -> Diagnostic:
    """A mask that does not say what it hides."""
    help = (
        "write `Mask: k <= q`, or `Causal Mask`, or `Mask (opt.)` for a mask that is given at the "
        "call, or draw an arrow from an input that is the mask"
    )
    return Diagnostic("E041", "this mask does not say which scores it hides", span, help=help)


def no_condition(span: Span, expr: str) -> Diagnostic:
    """A mask that is a number."""
    message = f"a mask is a condition, and `{expr}` is a number"
    help = f"write what is kept, as in `Mask: k <= q`; a bias is added by `Score: s + ({expr})`"
    return Diagnostic("E038", message, span, help=help)


def two_masks(span: Span, arrows: Sequence[Span]) -> Diagnostic:
    """A mask with several values of which more than one could be the scores."""
    message = "it is not clear which of these values is the mask"
    notes = tuple(Note(arrow, "flows in here") for arrow in dict.fromkeys(arrows))
    help = "label the arrow that brings it, `-- Mask -->`, or declare it as `bool[…]`"
    return Diagnostic("E046", message, span, "", notes, help)


def no_scores(span: Span) -> Diagnostic:
    """A score-wise operation whose arrows do not tell which one carries the scores."""
    message = "it is not clear which arrow carries the scores"
    help = "one arrow brings the scores; every other one a tensor that the expression names"
    return Diagnostic("E046", message, span, help=help)


def mask_alone(span: Span, user: Span | None = None) -> Diagnostic:
    """A mask into which no scores flow, where something else than a mask is asked for."""
    message = "no scores flow into this mask"
    notes = (Note(user, "is used here without scores"),) if user is not None else ()
    help = "draw an arrow from the scores, which an expression calls `s`, or let the mask flow "
    help += "into a Mask, a Softmax or an attention, beside them"
    return Diagnostic("E046", message, span, "", notes, help)


def sink_dims(place: Span, sink: str, dim: str, scores: str) -> Diagnostic:
    """A sink whose dims are not those of batches, heads or queries, or of which it is not clear."""
    message = f"shapes do not fit: {dim} of a sink {sink} is no one size of the scores {scores}"
    help = 'say which element belongs to a row: `@{ sink: "sinks[h]" }` on the softmax'
    return Diagnostic("E038", message, place, help=help)


def edge_to_subgraph(edge: Edge, subgraph: str) -> Diagnostic:
    """An arrow to or from a whole subgraph."""
    message = f"`{subgraph}` is a subgraph, and no value"
    help = "draw the arrow to or from a node inside it"
    return Diagnostic("E042", message, edge.span, help=help)


def wrong_declaration(node: Node, declared: str, inferred: str) -> Diagnostic:
    """A node whose declared type is not the one that it has."""
    message = f"`{node.id}` is declared as {declared}, and computes {inferred}"
    return Diagnostic("E043", message, node.span)


def twice(name: str, first: Span, second: Span) -> Diagnostic:
    """Two inputs of one name."""
    message = f"there are two inputs called `{name}`"
    return Diagnostic("E044", message, second, "", (Note(first, "the first one"),), "rename one")


def bad_attribute(span: Span, key: str, value: object, wanted: str) -> Diagnostic:
    """Metadata of a value that it cannot have."""
    return Diagnostic("E045", f"`{key}: {value}` is not possible: {wanted}", span)


def unknown_key(
    place: Span, key: str, what: str, known: Sequence[str], *, known_elsewhere: bool
) -> Diagnostic:
    """A key of `@{ … }` that neither this tool nor mermaid reads there."""
    near = [name for name in known if name.startswith(key)]
    near = near or nearest(key, known)
    message = f"neither attn nor mermaid knows the key `{key}`; it changes nothing"
    if known_elsewhere:
        message = f"`{key}` says nothing to {what}; it changes nothing"
    help = f"did you mean `{near[0]}`?" if near else ""
    return Diagnostic("W024", message, place, help=help, severity=Severity.WARNING)


def brought_twice(place: Span, what: str, first: Span) -> Diagnostic:
    """Two arrows into a module for one of its inputs."""
    message = f"two arrows bring the {what}"
    return Diagnostic("E033", message, place, "", (Note(first, "the first one"),))


def other_type(place: Span, given: str, node: Node, declared: str) -> Diagnostic:
    """A value that is not of the type that a module declares for its input."""
    message = f"shapes do not fit: `{node.id}` is {declared}, and is given {given}"
    return Diagnostic("E038", message, place, "", (Note(node.span, "declared here"),))


def bad_size(place: Span, name: str, size: str) -> Diagnostic:
    """A parameter of a module, or a width, that is no size."""
    message = f"`{name}: {size}` is no size: sizes are numbers above 0, symbols, + - * and //"
    return Diagnostic("E045", message, place)


def carry_unknown(place: Span, wanted: str) -> Diagnostic:
    """A `carry` that does not name a value that enters and one that leaves."""
    help = 'it is `carry: "x -> y"`: x, from outside, enters the subgraph; y, inside, is the next x'
    return Diagnostic("E048", wanted, place, help=help)


def no_count(place: Span, symbol: str, subgraph: str, *, is_size: bool) -> Diagnostic:
    """A repetition whose count is a letter; `is_size`, if a type has a size of that name."""
    help = f"give it: `--set {symbol}=6`, or `--set {subgraph}.{symbol}=6` for this subgraph alone"
    if is_size:
        help = f"`{symbol}` is a size here; say how often: `--set {subgraph}.{symbol}=6`"
    return Diagnostic("E047", f"how often is `{symbol}` times?", place, help=help)


def bad_count(place: Span, count: str, most: int) -> Diagnostic:
    """A repetition that is no number, or too large a one."""
    message = f"a subgraph is repeated 1 to {most} times, not {count}"
    return Diagnostic("E047", message, place)


def too_many_copies(place: Span, most: int) -> Diagnostic:
    """Repetitions in repetitions."""
    message = f"there are more than {most} copies of repeated subgraphs and modules in all"
    return Diagnostic("E047", message, place, help="those inside one another multiply")


def no_carry(place: Span, subgraph: str, pairs: Sequence[str], inside: str = "") -> Diagnostic:
    """A repetition that does not tell what a copy hands to the next.

    `inside` is an input that belongs to the subgraph, where nothing enters it from outside.
    """
    if inside:
        message = f"nothing enters this repeated subgraph: `{inside}` is declared inside it"
        help = f"name `{inside}` on a line of its own before the subgraph"
        return Diagnostic("E048", message, place, help=help)
    if pairs:
        message = "several values could go from one copy to the next: " + ", ".join(pairs)
        help = f'say which, on a line after its `end`: `{subgraph}@{{ carry: "{pairs[0]}" }}`'
    else:
        message = "no value that leaves has the type of one that enters, to go to the next copy"
        help = "end it with a value of the type of the one that enters, such as a sum with it"
    return Diagnostic("E048", message, place, help=help)


def repeat_in_circle(place: Span) -> Diagnostic:
    """A repeated subgraph that is left and entered again."""
    message = "arrows leave this repeated subgraph and come back into it"
    return Diagnostic("E034", message, place, help="move what lies between into the subgraph")


def includes_itself(place: Span, modules: Sequence[str]) -> Diagnostic:
    """A module that is used inside itself."""
    chain = " → ".join(map(_file, modules))
    return Diagnostic("E049", f"this diagram includes itself: {chain}", place)


def too_deep(place: Span, most: int) -> Diagnostic:
    """Modules in modules in modules."""
    return Diagnostic("E049", f"modules are nested more than {most} deep here", place)


def no_output(place: Span, module: str) -> Diagnostic:
    """A module that computes nothing."""
    message = f"`{_file(module)}` gives no value: nothing in it is computed"
    return Diagnostic("E050", message, place)


def which_output(edge: Edge, source: Node, outputs: Sequence[str]) -> Diagnostic:
    """An arrow out of a module with several outputs that names none of them."""
    shown, first = ", ".join(f"`{name}`" for name in outputs), outputs[0]
    said = edge.label.text.strip() if edge.label is not None else ""
    near = nearest(said, outputs)
    message = f"`{source.id}` gives {shown}, and this arrow does not say which"
    if near:
        help = f"did you mean `{near[0]}`?"
    elif said:
        help = f'name it before what it is for: `-- "{first} as {said}" -->`'
    else:
        help = f"label the arrow with its name: `-- {first} -->`"
    place = edge.label.span if said and edge.label is not None else edge.span
    return Diagnostic("E050", message, place, help=help)


def several_inside(place: Span, module: str, nodes: Mapping[str, Sequence[str]]) -> Diagnostic:
    """A module of which some last nodes give several values each."""
    (node, outputs), *_ = nodes.items()
    shown = ", ".join(f"`{name}`" for name in outputs)
    message = f"`{_file(module)}` ends in `{node}`, which gives {shown}"
    help = f"draw a box there for what leaves the module: `{node} -- {outputs[0]} --> …`"
    return Diagnostic("E050", message, place, help=help)


def type_of_several(node: Node, outputs: Sequence[str]) -> Diagnostic:
    """A type declared at a module that gives several values."""
    shown = ", ".join(f"`{name}`" for name in outputs)
    message = f"`{node.id}` declares one type, and gives {shown}"
    return Diagnostic("E043", message, node.span, help="declare it where one of them is used")


def which_attention(place: Span, module: str, masks: Sequence[str]) -> Diagnostic:
    """A mask with an arrow into a module in which several attentions could take it."""
    shown = ", ".join(f"`{name}`" for name in masks)
    message = f"this mask could be for several places in `{repair(module)}`: {shown}"
    help = f'say which on the arrow: `-- "{masks[-1]}" -->`'
    return Diagnostic("E056", message, place, help=help)


def no_mask_inside(place: Span, module: str) -> Diagnostic:
    """A mask with an arrow into a module without attention."""
    message = f"nothing in `{repair(module)}` takes a mask"
    help = "draw the arrow to the attention whose scores it hides"
    return Diagnostic("E056", message, place, help=help)


def masks_meet(place: Span, mask: str, attention: str) -> Diagnostic:
    """Several masks for the one input of a module that is a mask."""
    message = f"several masks are brought to the one input `{mask}`"
    help = f'name the attention that one of them is for: `-- "{attention}" -->`'
    return Diagnostic("E056", message, place, help=help if attention else "bring one")


def _file(module: str) -> str:
    """The name of a module's file, with the block that is chosen there."""
    path, mark, block = module.partition("#")
    return f"{PurePath(path).name}{mark}{block}"


def no_heads(place: Span, given: object, scoped: str, *, is_size: bool = False) -> Diagnostic:
    """Multi-head attention of how many heads? `scoped` is the setting for this place alone."""
    message = "the number of heads is not known"
    if given is not None:
        message = f"the number of heads is a whole number above 0, not {given!r}"
    help = "give it: `--set heads=8`, or `@{ heads: 8 }`"
    if is_size:
        help = f"`heads` is a size here; give it: `--set {scoped}=8`, or `@{{ heads: 8 }}`"
    return Diagnostic("E051", message, place, help=help)


def unknown_setting(origin: Origin, near: Sequence[str], known: Sequence[str]) -> Diagnostic:
    """A setting that nothing asks for: `--set heds=8`."""
    message = f"nothing asks for `{origin.name}`: it is no size of a type, no count, no parameter"
    listing = f"settings here are {', '.join(known)}" if known else "nothing here can be set"
    help = f"did you mean `{near[0]}`?" if near else listing
    return _of_setting(origin, message, (), help)


def overridden(
    origin: Origin,
    settings: Sequence[str],
    places: Sequence[Span],
    scoped: str,
    *,
    by_call: bool,
) -> Diagnostic:
    """A setting that every place which asks for it is told otherwise, by `settings` or at `places`.

    It is only a warning if that was the call itself, which said both.
    """
    name, value = origin.name, origin.value
    message = f"`{name}={value}` changes nothing: each place that could take it has its own"
    notes = tuple(Note(place, "says it here") for place in places[:3])
    help = f"`--set {scoped}={value}` goes before what the drawing says"
    if settings:
        shown = ", ".join(f"`{setting}`" for setting in settings[:3])
        help = f"{shown} {'goes' if len(settings) == 1 else 'go'} before it"
    return _of_setting(origin, message, notes, help, warning=by_call)


def _of_setting(
    origin: Origin, message: str, notes: tuple[Note, ...], help: str, *, warning: bool = False
) -> Diagnostic:
    """An error if the call set it, a warning in the front matter, which may be for more."""
    if origin.given and not warning:
        return Diagnostic("E054", message, None, "", notes, help)
    return Diagnostic("W022", message, origin.span, "", notes, help, Severity.WARNING)


def no_tensor(place: Span) -> Diagnostic:
    """An equation of sizes alone."""
    help = "an equation names a tensor with an arrow into the node, as in `S = Q @ Kᵀ / √D`"
    return Diagnostic("E055", "there is no tensor in this part of the equation", place, help=help)


def no_shape(place: Span) -> Diagnostic:
    """An equation of elements that are looked up, at every place of what?"""
    message = "no tensor says of what shape this part of the equation is"
    help = "name one without indices; a mask of indices alone is drawn as `Mask: k <= q`"
    return Diagnostic("E055", message, place, help=help)


def read_as_product(place: Span) -> Diagnostic:
    """`W_q * x`, where the shapes do not broadcast."""
    message = "`*` is read as the matrix product here, as the shapes do not broadcast"
    return Diagnostic("N022", message, place, severity=Severity.NOTE)


def no_such_node(place: Span, name: str, nodes: Iterable[str]) -> Diagnostic:
    """A call that names an operand that is not drawn."""
    near = nearest(name, nodes)
    help = f"did you mean `{near[0]}`?" if near else "operands are named by the ids of nodes"
    return Diagnostic("E052", f"there is no node `{name}`", place, help=help)


def not_called(edge: Edge, call: Text) -> Diagnostic:
    """An arrow that the label with the operation and its operands leaves out."""
    message = f"`{call.text}` says what it is computed from, and this arrow is no part of it"
    notes = (Note(call.span, "its operands"),) if edge.label is not call else ()
    help = "name it in the label, or draw the arrow to a node of its own"
    return Diagnostic("E033", message, edge.span, "", notes, help)


def no_members(place: Span, symbol: str, stem: str, *, is_size: bool) -> Diagnostic:
    """Heads 1, 2, … N, of which N is not known; `is_size`, if it is one of a type."""
    help = f"give it: `--set {stem}.{symbol}=8`, or `--set heads=8`"
    if is_size:
        help = f"`{symbol}` is a size here; {help}"
    return Diagnostic("E051", f"how many is `{symbol}`?", place, help=help)


def no_members_in(node: Node, given: str, size: str | int) -> Diagnostic:
    """A value for an input that is a family, without an axis for its members."""
    message = f"`{node.id}` is a family of {size}, and {given} has no axis for its members"
    return Diagnostic("E038", f"shapes do not fit: {message}", node.span)


def no_family(place: Span, ids: Sequence[str], stem: str, reason: str) -> Diagnostic:
    """Nodes that look like one family, in a drawing that does not work out otherwise."""
    shown = ", ".join(f"`{id}`" for id in ids)
    message = f"{shown} are not read as one family `{stem}`: {reason}"
    return Diagnostic("N023", message, place, severity=Severity.NOTE)


def no_family_rule(place: Span, what: str, kinds: Sequence[str], reason: str) -> Diagnostic:
    """An operation on nodes 1, 2, … that has no meaning along their axis."""
    given = f", given {' and '.join(kinds)}" if kinds else ""
    message = f"`{what}` has no rule for nodes 1, 2, … that are one family{given}"
    help = "docs/language.md says under Families what can be drawn for each, and what for all"
    return Diagnostic("E053", message, place, reason, help=help)


def nothing_differs(place: Span, what: str) -> Diagnostic:
    """All members of a family flow into one node, and each of them is the same value."""
    message = f"nodes 1, 2, … that flow into `{what}` are all one value: nothing tells them apart"
    help = "draw one node, or give each an input, or a layer with parameters, of its own"
    return Diagnostic("E053", message, place, help=help)


def shared_layer(place: Span, what: str, size: str) -> Diagnostic:
    """A layer that is drawn for each of a number of members that is open."""
    message = f"how many `{size}` is, the call tells: `{what}` has one set of parameters for all"
    return Diagnostic("N025", message, place, severity=Severity.NOTE)


def called(diagnostic: Diagnostic, call: Note) -> Diagnostic:
    """A diagnostic inside a module, with the place that calls it."""
    if diagnostic.span is not None and diagnostic.span.source == call.span.source:
        return diagnostic
    return replace(diagnostic, notes=(*diagnostic.notes, call))


def comment(label: Text, *, guess: bool = True) -> Diagnostic:
    """An edge label that is not understood, and so changes nothing."""
    message = f"the label `{repair(label.text)}` names no operation and no operand"
    help = _did_you_mean(label.text) if guess else ""
    severity = Severity.WARNING
    return Diagnostic("W020", f"{message}; it changes nothing", label.span, "", (), help, severity)


def like_an_operation(label: Text, word: str) -> Diagnostic:
    """A box that passes on what it gets, and is called nearly like an operation."""
    message = f"`{repair(label.text)}` names no operation; the value passes through as it is"
    help = f"did you mean `{word}`?"
    return Diagnostic("W025", message, label.span, help=help, severity=Severity.WARNING)


def not_mentioned(names: Sequence[str], place: Span) -> Diagnostic:
    """An arrow into an equation that does not name what the arrow brings."""
    name = f"`{names[0]}`" if names else "this value"
    message = f"the equation does not mention {name}; this arrow changes nothing"
    return Diagnostic("W020", message, place, severity=Severity.WARNING)


def index_of_no_dim(place: Span, index: str, type_: str) -> Diagnostic:
    """`b` in a mask of scores with one batch dim, which is `h`; `q` in an equation of one row."""
    message = f"`{index}` is always 0 here, as it runs along no dim of {type_}"
    help = "b, h, q, k count dims from the right: three dims have h, q and k"
    return Diagnostic("W023", message, place, help=help, severity=Severity.WARNING)


def unused(node: Node) -> Diagnostic:
    """A node that has no arrow."""
    message = f"`{node.id}` has no arrow, and is left out"
    return Diagnostic("W021", message, node.span, severity=Severity.WARNING)


def read_as_transposed(span: Span, lhs: str, rhs: str) -> Diagnostic:
    """The classic picture, which draws no transpose."""
    message = f"read as {lhs} · {rhs}ᵀ, for which no transpose is drawn"
    return Diagnostic("N020", message, span, severity=Severity.NOTE)


def grouped_heads(place: Span, query: str, key: str, heads: Dim, groups: Dim) -> Diagnostic:
    """Fewer heads of keys or values than of queries."""
    message = f"each of the {groups} heads of {key} serves {heads} / {groups} heads of {query}"
    return Diagnostic("N024", message, place, severity=Severity.NOTE)


def one_head(place: Span, query: str, key: str, heads: Dim) -> Diagnostic:
    """Keys or values without a dim for heads."""
    message = f"all {heads} heads of {query} share {key}, which has no heads"
    return Diagnostic("N024", message, place, severity=Severity.NOTE)


def repaired(span: Span, text: str) -> Diagnostic:
    """A label whose encoding was damaged."""
    message = f"this label is damaged UTF-8; it is read as `{text}`"
    return Diagnostic("N021", message, span, severity=Severity.NOTE)
