"""The subgraphs around a node, innermost first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attn_dsl.semantics.repetition import said_count
from attn_dsl.syntax import Diagram


@dataclass(frozen=True, eq=False)
class Frame:
    """A subgraph, whether it is repeated, and the one around it.

    Frames are compared by identity: they may be nested deep.
    """

    id: str
    repeated: bool
    outer: Frame | None


def frames_of(diagram: Diagram) -> Mapping[str | None, Frame]:
    """The frame of every subgraph, by its id."""
    by_id = diagram.subgraphs_by_id
    made: dict[str | None, Frame] = {}
    for id in by_id:
        path: dict[str, None] = {}
        at: str | None = id
        while at is not None and at in by_id and at not in made and at not in path:
            path[at] = None
            at = by_id[at].parent
        outer = made.get(at)
        for inner in reversed(path):
            outer = made[inner] = Frame(inner, said_count(by_id[inner]) is not None, outer)
    return made


def around(frame: Frame | None) -> Iterator[Frame]:
    """`frame` and those around it."""
    while frame is not None:
        yield frame
        frame = frame.outer


def common_frame(frames: Sequence[Frame | None]) -> Frame | None:
    """The innermost frame around all of `frames`."""
    shared = set(around(frames[0])).intersection(*map(around, frames[1:]))
    return next((frame for frame in around(frames[0]) if frame in shared), None)
