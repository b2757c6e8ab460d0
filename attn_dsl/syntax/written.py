"""The lines of a flowchart that a checked JSON object describes, not laid out yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attn_dsl.syntax.arrange import arrange
from attn_dsl.syntax.arrows import edge_id
from attn_dsl.syntax.labels import decode
from attn_dsl.syntax.metadata import as_text, is_said
from attn_dsl.syntax.shared_ids import Turn, is_early, turns_of
from attn_dsl.syntax.spelling import BRACKETS, spell_arrow, spell_label
from attn_dsl.syntax.spelling_data import spell_data, spell_front_matter

Record = Mapping[str, Any]
_BOXES = {**BRACKETS, "rect": ("[|p:p|", "]")}
"""`rect` is a shape of metadata, too: without it, brackets with a property that nobody reads."""
_PLAIN_ID = re.compile(
    r"(?!(?:end|default|graph|flowchart|subgraph|style|class|click|call|href)\b)[A-Za-z]\w*"
)


def written(record: Record) -> Iterator[str]:
    """The lines of `record`; raises Circle where its subgraphs stand in one another."""
    front = {key: record[key] for key in ("title", "attn") if record[key]}
    yield from spell_front_matter(front) if front else ()
    yield f"flowchart {record['direction']}"
    yield from _drawn(record)
    yield from _subgraphs_as_boxes(record)
    yield from _styles(record)


def _drawn(record: Record) -> Iterator[str]:
    """Boxes, subgraphs and arrows, then what metadata says of arrows."""
    boxes = {node["id"]: node for node in record["nodes"]}
    turns = turns_of(record)
    later = {id: iter(found.after) for id, found in turns.items()}
    arrows = dict(zip(_ids(record["edges"]), record["edges"], strict=True))
    lines = _arrows(record["edges"])
    said: set[str] = set()
    for kind, what in arrange(record):
        match kind:
            case "box":
                yield from _box(boxes[what])
                if what in turns:
                    yield from (f"{what}:::{name}" for name in turns[what].early)
            case "mention":
                data = arrows[what]["data"] if what in arrows else {}
                yield f"{what}{spell_data(data) if data else ''}"
                said.add(what)
            case "arrow":
                yield lines[what]
            case "open":
                yield from _head(record["subgraphs"][what])
            case "close":
                yield "end"
                subgraph = record["subgraphs"][what]
                yield from _said_of(subgraph, next(later[subgraph["id"]]))
    for id, arrow in arrows.items():
        if arrow["data"] and id not in said:
            yield f"{id}{spell_data(arrow['data'])}"


def _box(node: Record) -> Iterator[str]:
    """A box on one line; on two, where metadata says something that its brackets overrule."""
    data, shape = node["data"], node["shape"]
    named = str(data["shape"]) if data.get("shape") else None
    titled = is_said(data.get("label"))
    label = decode(as_text(data["label"])) if titled else decode(node["id"])
    text = label if node["text"] is None else node["text"]
    pictured = not text and bool(data.get("icon") or data.get("img"))
    bare = text == label or pictured
    if shape is not None and shape not in _BOXES and named is None:
        data, named = {**data, "shape": shape}, shape  # a name that only metadata can have
    first, last = _BOXES.get(shape or "", ("[", "]"))
    brackets = "" if bare and shape in (None, named) else f"{first}{_label(text, node)}{last}"
    block = spell_data(data) if data else ""
    if block and brackets and ((named and shape != named) or (titled and text != label)):
        yield f"{node['id']}{block}"
        block = "" if shape != named or shape in _BOXES else spell_data({"shape": shape})
    yield f"{node['id']}{brackets}{block}"


def _head(subgraph: Record) -> Iterator[str]:
    id, title = subgraph["id"], subgraph["title"]
    plain = _PLAIN_ID.fullmatch(id) is not None
    label = (
        ""
        if plain and title in (None, id)
        else f"[{_label(id if title is None else title, subgraph)}]"
    )
    name = id if plain or '"' in id else f'"{id or " "}"'
    yield f"subgraph {name}{label}"
    if subgraph["dir"]:
        yield f"direction {subgraph['dir']}"


def _said_of(subgraph: Record, turn: Turn) -> Iterator[str]:
    """What is said of a subgraph after its `end`, some of it of the box of its id as well."""
    id = subgraph["id"]
    yield from (f"class {id} {name}" for name in turn.alone)  # metadata would make the box
    if subgraph["data"]:
        yield f"{id}{spell_data(subgraph['data'])}"
    yield from (f"{id}:::{name}" for name in turn.both)


def _subgraphs_as_boxes(record: Record) -> Iterator[str]:
    """Boxes that mermaid makes of subgraphs, where nothing above made them, or not all of them."""
    subgraphs = {subgraph["id"]: subgraph for subgraph in record["subgraphs"]}
    turns = turns_of(record)
    ends = {edge[end] for edge in record["edges"] for end in ("from", "to")}
    for node in record["nodes"]:
        id = node["id"]
        if id not in subgraphs or is_early(node, turns):
            continue
        made = id in ends or subgraphs[id]["data"] or id in record["styles"]
        if node["shape"] or node["text"] not in (None, decode(id)) or not made:
            yield from _box(node)


def _arrows(edges: Sequence[Record]) -> list[str]:
    """The line of each arrow; an id is written where mermaid would make up another one."""
    lines = []
    for edge, id in zip(edges, _ids([{**edge, "id": None} for edge in edges]), strict=True):
        name = f"{edge['id']}@" if edge["id"] not in (None, id) else ""
        label = f"|{_label(edge['text'], edge)}|" if edge["text"] else ""
        arrow = f"{name}{spell_arrow(edge['stroke'], edge['arrow'])}{label}"
        lines.append(f"{edge['from']} {arrow} {edge['to']}")
    return lines


def _ids(edges: Sequence[Record]) -> Iterator[str]:
    """The ids of arrows, mermaid's own for those without one."""
    joined: Counter[tuple[str, str]] = Counter()
    for edge in edges:
        ends = edge["from"], edge["to"]
        yield edge["id"] or edge_id(*ends, joined[ends])
        joined[ends] += 1


def _label(text: str, entry: Record) -> str:
    return spell_label(text, markdown=entry["markdown"], written=entry["written"])


def _styles(record: Record) -> Iterator[str]:
    for name, css in record["class_styles"].items():
        yield f"classDef {name} {_css(css)}"
    subgraphs = {subgraph["id"] for subgraph in record["subgraphs"]}
    boxes = [node for node in record["nodes"] if node["id"] not in subgraphs]
    yield from (f"class {box['id']} {name}" for box in boxes for name in box["classes"])
    for id, css in record["styles"].items():
        yield f"style {id} {_css(css)}"
    for number, css in record["link_styles"].items():
        yield f"linkStyle {number} {_css(css)}"


def _css(declarations: Sequence[str]) -> str:
    return ",".join(css.replace(",", "\\,") for css in declarations)
