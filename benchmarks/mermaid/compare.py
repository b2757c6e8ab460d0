"""Where two answers to one flowchart differ: what `attn` makes of it, and what mermaid does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import parse, refusal, to_json

Answer = dict[str, Any]
ACCEPTED, REFUSED = "accepted here, refused by mermaid", "refused here, accepted by mermaid"
LISTS = {
    "nodes": {"id": "nodes", "text": "texts of nodes", "shape": "shapes"},
    "edges": {
        "from": "edges", "to": "edges", "text": "texts of edges", "id": "ids of edges",
        "stroke": "kinds of edges", "arrow": "kinds of edges",
    },
    "subgraphs": {
        "id": "subgraphs", "title": "titles", "nodes": "members", "dir": "directions",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A flowchart, and both answers to it."""

    text: str
    ours: Answer
    mermaid: Answer


def ours(text: str) -> Answer:
    """What `attn parse --json` says of `text`, and the kinds of arrows."""
    try:
        diagram = parse(Source("case", text))
    except DiagnosticError as error:
        return refusal("case", error.diagnostics)
    answer = to_json("case", diagram)
    for described, edge in zip(answer["edges"], diagram.edges, strict=True):
        described |= {"stroke": edge.stroke, "arrow": edge.arrow}
    return answer


def differences(case: Case) -> list[str]:
    """The kinds of differences, the first of each; none where the answers agree."""
    if case.ours["ok"] != case.mermaid["ok"]:
        return [ACCEPTED if case.ours["ok"] else REFUSED]
    return list(dict.fromkeys(_differences(case.ours, case.mermaid))) if case.ours["ok"] else []


def _differences(ours: Answer, mermaid: Answer) -> Iterator[str]:
    if ours["direction"] != mermaid["direction"]:
        yield "direction"
    for name, keys in LISTS.items():
        if len(ours[name]) != len(mermaid[name]):
            yield name
            continue
        for one, other in zip(ours[name], mermaid[name], strict=True):
            yield from (kind for key, kind in keys.items() if one[key] != other[key])
