"""The way back from JSON: the text of a flowchart that `attn parse --json` describes so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.grammars import Unexpected
from attn_dsl.syntax import errors
from attn_dsl.syntax.arrange import Circle
from attn_dsl.syntax.flowchart import parse
from attn_dsl.syntax.json import to_json
from attn_dsl.syntax.layout import lay_out
from attn_dsl.syntax.record import read_record
from attn_dsl.syntax.written import written

Record = Mapping[str, Any]
ARROW = ("from", "to", "text", "id", "stroke", "arrow", "data")


def from_json(found: Any, name: str = "<json>") -> str:
    """The flowchart that `found` describes, an object as `to_json` gives it, in canonical layout.

    `to_json` makes the same of it again, but for the order of the nodes and of those in a
    subgraph, which mean nothing. What the object leaves out has its default.

    Raises DiagnosticError, which calls the object `name`, where it is no such object, and where
    Mermaid has no way to write it.
    """
    record = read_record(found, name)
    try:
        rough = "\n".join(written(record)) + "\n"
    except Circle:
        error = errors.no_record(name, "its subgraphs stand in one another")
        raise DiagnosticError([error]) from None
    problem = ""
    for text in _laid_out(rough), rough:
        problem = _problem(record, Source(name, text))
        if not problem:
            return text
    problem = next(_strange_ids(record), problem)
    raise DiagnosticError([errors.not_written(name, problem)])


def _laid_out(text: str) -> str:
    """In canonical layout, if it can be read."""
    try:
        return lay_out(text)
    except Unexpected:
        return text


def _problem(record: Record, source: Source) -> str:
    """What keeps a text from saying what `record` does; empty if it says that."""
    try:
        again = to_json(source.name, parse(source))
    except DiagnosticError as error:
        first = error.diagnostics[0]
        return f"{first.message}, in `{first.span.text}`" if first.span else first.message
    return next(_differences(record, again), "")


def _strange_ids(record: Record) -> Iterator[str]:
    """The usual reason why a text does not say what it was written for."""
    ids = [node["id"] for node in record["nodes"]]
    ids += [edge[end] for edge in record["edges"] for end in ("from", "to")]
    for id in dict.fromkeys(ids):
        try:
            found = list(parse(Source("", f"flowchart\n{id}\n{id} --> {id}_\n")).nodes)
        except DiagnosticError:
            found = []
        if found != [id, f"{id}_"]:
            yield f"`{id}` cannot be an id, or not everywhere"


def _differences(record: Record, again: Record) -> Iterator[str]:
    """What of `record` its text does not say."""
    boxes = {node["id"]: node for node in again["nodes"]}
    for node in record["nodes"]:
        box = boxes.get(node["id"], {"text": None, "data": None})
        if node["text"] not in (None, box["text"]) or _but_shape(node) != _but_shape(box):
            yield f"the box `{node['id']}` would be another one"
    defaults = {"stroke": "normal", "arrow": "arrow_point", "data": {}}
    if len(record["edges"]) != len(again["edges"]):
        yield "it would have more arrows, or less"
    for number, (edge, arrow) in enumerate(zip(record["edges"], again["edges"], strict=False)):
        full = defaults | arrow
        if any(edge[key] not in (None, full[key]) for key in ARROW):
            yield f"the arrow edges[{number}] would be another one"
    difference = _groups(record) - _groups(again)
    for id, _ in difference:
        yield f"the subgraph `{id}` would have other members: each can be in one list only"


def _but_shape(node: Record) -> Any:
    return node["data"] and {key: v for key, v in node["data"].items() if key != "shape"}


def _groups(record: Record) -> Counter[tuple[str, frozenset[str]]]:
    return Counter((group["id"], frozenset(group["nodes"])) for group in record["subgraphs"])
