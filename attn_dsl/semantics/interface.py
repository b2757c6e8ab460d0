"""What a drawing sees of the modules that it uses: what they give, and what can be set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from attn_dsl.semantics.vocabulary import find_role, normal
from attn_dsl.syntax import Text, repair

_AS = re.compile(r"(?P<output>.+?)\s+as\s+(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_PATH = re.compile(r"#.+|.+\.(attn|mmd|md|markdown|json)(#.+)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Output:
    """A value that a module gives: its name, and what an arrow may call it.

    `exact` are its id, its NAME and its label, `words` what these are compared as.
    """

    name: str
    exact: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class Interface:
    """The outputs of a module in file order, and the names of its sizes."""

    outputs: tuple[Output, ...] = ()
    parameters: frozenset[str] = frozenset()


InterfaceOf = Callable[[str], Interface | None]
"""The interface of the module that a drawing names so; None if it cannot be read."""


def is_path(word: str) -> bool:
    """Whether `op:` names a diagram by its place: `./block.attn`, `notes.md#2`, `#Block`."""
    return _PATH.fullmatch(word) is not None


def make_outputs(nodes: Iterable[tuple[str, str, str]]) -> tuple[Output, ...]:
    """Outputs from the id, the NAME and the label of each node.

    One is called by its NAME, or by its id where several have that.
    """
    nodes = list(nodes)
    names = [name for _, name, _ in nodes]
    outputs = []
    for id, name, label in nodes:
        exact = {plain(text) for text in (id, name, label) if text}
        words = {normal(text) for text in (id, name, label) if text} | {find_role(label)}
        called = name if names.count(name) == 1 else id
        outputs.append(Output(called, frozenset(exact), frozenset(words - {""})))
    return tuple(outputs)


def plain(text: str) -> str:
    """A label without case and line breaks."""
    return " ".join(re.sub(r"<br\s*/?>", " ", repair(text)).lower().split())


def find_output(text: str, outputs: Sequence[Output]) -> str:
    """The name of the one output that `text` calls; empty if there is none, or several."""
    words = {normal(text), find_role(text)} - {""}
    for found in (
        [o.name for o in outputs if plain(text) in o.exact],
        [o.name for o in outputs if words & o.words],
    ):
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


@dataclass(frozen=True)
class Taken:
    """Which output an arrow takes, and what its label says beside that.

    `output` is empty if the label names none; `label` is what follows `as`, else all of it.
    """

    output: str
    label: Text | None


def read_taken(label: Text | None, outputs: Sequence[Output]) -> Taken:
    """`X`, or `X as Key`: the output X, which there is the key."""
    if label is None or not label.text.strip() or not outputs:
        return Taken("", label)
    if match := _AS.fullmatch(label.text.strip()):
        output = find_output(match["output"], outputs)
        if output:
            return Taken(output, _rest(label, match["rest"]))
    return Taken(find_output(label.text, outputs), label)


def _rest(label: Text, rest: str) -> Text:
    """`rest` with its place in the label, where it stands there as it reads."""
    at = label.span.text.rfind(rest)
    if at < 0:
        return Text(rest, label.span)
    start = label.span.start + at
    return Text(rest, type(label.span)(label.span.source, start, start + len(rest)))


def parameter_names(settings: Mapping[str, object]) -> frozenset[str]:
    """The names of the sizes that the front matter declares as `parameters`."""
    declared = settings.get("parameters")
    return frozenset(map(str, declared)) if isinstance(declared, Mapping) else frozenset()
