"""A diagram as `attn parse --json` prints it: as mermaid's own parser would describe it.

What mermaid's description leaves out and a drawing needs stands beside it, where there is any:
kinds of arrows, metadata of arrows and subgraphs, styles, what the front matter says.

Not repeated are three of mermaid's accidents: a subgraph's members do not include `;` after a
doubled semicolon or `end;`, nor the text of an `accTitle` inside it, and named entities are
decoded, all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.syntax.arrows import edge_ids
from attn_dsl.syntax.diagram import Diagram, Edge, Node, Subgraph, Text
from attn_dsl.syntax.labels import is_cut
from attn_dsl.syntax.metadata import as_text
from attn_dsl.syntax.places import Places, find_places

Record = dict[str, Any]


def to_json(name: str, diagram: Diagram) -> Record:
    """The object for the file `name`; subgraphs in the order in which they close, as mermaid's."""
    closing = sorted(diagram.subgraphs, key=lambda subgraph: subgraph.span.end)
    places = find_places(diagram, closing)
    return {
        "file": name,
        "ok": True,
        "direction": diagram.direction,
        **_said(title=diagram.title, attn=_plain(diagram.settings.values)),
        "nodes": [_node(node, places) for node in diagram.nodes.values()],
        "edges": list(_edges(diagram.edges, places)),
        "subgraphs": [_subgraph(number, s, places) for number, s in enumerate(closing)],
        **_said(styles=_css(diagram.styles), class_styles=_css(diagram.class_styles)),
        **_said(link_styles=_css(diagram.link_styles)),
    }


def refusal(name: str, diagnostics: Iterable[Diagnostic]) -> Record:
    """The object for a file that could not be read."""
    places = ((d.span.place + ": " if d.span else "") + d.message for d in diagnostics)
    return {"file": name, "ok": False, "error": "\n".join(places)}


def _node(node: Node, places: Places) -> Record:
    shape, data = node.shape or None, _plain(node.data.values)
    described = {"id": node.id, "text": _shown(node.label), "shape": shape, "data": data}
    home = {"subgraph": places.homes[node.id]} if node.id in places.homes else {}
    return {**described, **_label(node.label), **_said(classes=node.classes), **home}


def _edges(edges: Sequence[Edge], places: Places) -> Iterator[Record]:
    for number, (edge, id) in enumerate(zip(edges, edge_ids(edges), strict=True)):
        text = _shown(edge.label) if edge.label else ""
        stroke = "" if edge.stroke == "normal" else edge.stroke
        arrow = "" if edge.arrow == "arrow_point" else edge.arrow
        described = {"from": edge.source, "to": edge.target, "text": text, "id": id}
        said = _said(stroke=stroke, arrow=arrow, data=_plain(edge.data.values))
        place = {"in": places.edges[number]} if number in places.edges else {}
        yield {**described, **(_label(edge.label) if edge.label else {}), **said, **place}


def _subgraph(number: int, subgraph: Subgraph, places: Places) -> Record:
    title, nodes = _shown(subgraph.title), list(subgraph.nodes)
    described = {"id": subgraph.id, "title": title, "nodes": nodes, "dir": subgraph.direction}
    parent = {"parent": places.parents[number]} if number in places.parents else {}
    said = _said(data=_plain(subgraph.data.values), classes=subgraph.classes)
    return {**described, **_label(subgraph.title), **said, **parent}


def _label(text: Text) -> Record:
    """What a label says beyond what is shown of it."""
    written = text.span.text if is_cut(text) and '"' not in text.span.text else ""
    return _said(markdown=text.markdown, written=written)


def _said(**entries: Any) -> Record:
    """The entries that say something."""
    return {name: value for name, value in entries.items() if value}


def _css(styles: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: css for name, css in styles.items() if css}


def _plain(value: Any) -> Any:
    """A value of YAML as JSON has it; what JSON has not, as JavaScript would write it."""
    match value:
        case Mapping():
            return {as_text(key): _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case float() if not isfinite(value):
            return None
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _shown(text: Text) -> str:
    return text.text if text.shown is None else text.shown
