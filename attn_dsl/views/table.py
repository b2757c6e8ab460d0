"""All views by name, and what each may be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attn_dsl.files import write_atomically
from attn_dsl.render import Picture, Theme, encode, format_of
from attn_dsl.syntax import Block
from attn_dsl.views.asked import Asked
from attn_dsl.views.diagram import diagram_picture
from attn_dsl.views.graph import fused_picture, graph_picture
from attn_dsl.views.tiles import tiles_of
from attn_dsl.views.trace import trace_of

NOTHING = Asked()


@dataclass(frozen=True)
class View:
    """How a view is made, and the options that it knows."""

    picture: Callable[[Block, Mapping[str, Any], Asked], Picture]
    options: tuple[str, ...] = ()


VIEWS: Mapping[str, View] = {
    "diagram": View(diagram_picture, ("--depth", "--no-types")),
    "graph": View(graph_picture, ("--diff",)),
    "fused": View(fused_picture),
    "tiles": View(tiles_of, ("--inputs", "--seed", "--of", "--head", "--tile-size")),
    "trace": View(trace_of, ("--inputs", "--seed", "--of", "--head", "--tokens")),
}


def picture_of(
    block: Block, view: str, settings: Mapping[str, Any], asked: Asked = NOTHING
) -> Picture:
    """The picture that a view, one of `VIEWS`, gives of `block`.

    Raises DiagnosticError where the drawing does not compile, and ValueError for what the view
    cannot be asked.
    """
    for option in asked.said:
        if option not in VIEWS[view].options:
            names = [name for name, other in VIEWS.items() if option in other.options]
            raise ValueError(f"{option} is for --view {' or '.join(names)}; this view is {view}")
    return VIEWS[view].picture(block, settings, asked)


def write_picture(
    block: Block,
    path: Path,
    view: str,
    settings: Mapping[str, Any],
    theme: Theme = Theme.LIGHT,
    asked: Asked = NOTHING,
    step: Callable[[str], None] = lambda what: None,
) -> None:
    """Draw `block` to `path`; `step` is told of each part of the work before it is done.

    Raises as `picture_of` does, and DiagnosticError if the picture cannot be drawn or written.
    """
    format = format_of(path)
    step("compiling")
    picture = picture_of(block, view, settings, asked)
    step("drawing")
    data = encode(picture, format, theme)
    step("writing")
    write_atomically(path, data)
