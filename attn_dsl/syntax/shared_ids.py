"""When classes are said of a box and of subgraphs that have its id.

Before the first of these subgraphs ends, the box alone gets a class, if it is there; after that
the subgraph that ended last gets it, and the box too, if it is there by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

Record = Mapping[str, Any]
Classes = Sequence[str]


@dataclass(frozen=True)
class Turn:
    """What is said after the end of one subgraph: of it alone, then of it and the box."""

    alone: Classes
    both: Classes


@dataclass(frozen=True)
class Turns:
    """The classes of a box before all subgraphs of its id, and after the end of each."""

    early: Classes
    after: Sequence[Turn]


def turns_of(record: Record) -> dict[str, Turns]:
    """The turns of each id that subgraphs have."""
    boxes = {node["id"]: node["classes"] for node in record["nodes"]}
    subgraphs: dict[str, list[Classes]] = {}
    for subgraph in record["subgraphs"]:
        subgraphs.setdefault(subgraph["id"], []).append(subgraph["classes"])
    return {id: _turns(boxes.get(id, []), classes) for id, classes in subgraphs.items()}


def is_early(node: Record, turns: Mapping[str, Turns]) -> bool:
    """Whether something was said of a box before a subgraph of its id ended."""
    return node["id"] in turns and bool(node["data"] or turns[node["id"]].early)


def _turns(box: Classes, subgraphs: Sequence[Classes]) -> Turns:
    """The box comes first, or after the end of one of `subgraphs`: whichever agrees with `box`."""
    if (early := _without(box, chain(*subgraphs))) is not None:
        return Turns(early, [Turn([], classes) for classes in subgraphs])
    for number, classes in enumerate(subgraphs):
        both = _without(box, chain(*subgraphs[number + 1 :]))
        alone = None if both is None else _without(classes, both)
        if both is not None and alone is not None:
            before = [Turn(classes, []) for classes in subgraphs[:number]]
            later = [Turn([], classes) for classes in subgraphs[number + 1 :]]
            return Turns([], [*before, Turn(alone, both), *later])
    return Turns(box, [Turn(classes, []) for classes in subgraphs])  # no flowchart says that


def _without(classes: Classes, end: Iterable[str]) -> Classes | None:
    """`classes` without their last ones, which have to be `end`."""
    end = list(end)
    count = len(classes) - len(end)
    return classes[:count] if count >= 0 and list(classes[count:]) == end else None
