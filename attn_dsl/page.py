"""A file's page: its pictures and what was emitted for it, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from attn_dsl.backend import backend_names
from attn_dsl.diagnostics import DiagnosticError, Span
from attn_dsl.explain import explain
from attn_dsl.files import write_atomically
from attn_dsl.pipeline import Compiled, analyse, lower
from attn_dsl.render import Picture, Theme, drawn_links, encode
from attn_dsl.render.frames import Frame
from attn_dsl.render.page import Listing, Page, Panel, page_html
from attn_dsl.render.tiles import tile_frames, tiles_picture
from attn_dsl.syntax import Block
from attn_dsl.views import VIEWS, Asked, picture_of
from attn_dsl.views.tiles import tiles_asked, tiles_view

LANGUAGES = {"numpy": ("NumPy", "python"), "cuda": ("CUDA", "cuda")}
"""What a target is called on the page, and its language by pygments' name."""

PANELS = (
    Panel("diagram", "Diagram", "", nouns=("box", "boxes")),
    Panel("fused", "Fused graph", "", nouns=("operation", "operations")),
    Panel("tiles", "Tiles", "", nouns=("matrix", "matrices")),
    Panel("trace", "Trace", "", nouns=("part", "parts")),
)
"""The views that a page has, by their names."""

NOTHING = Asked()


def write_page(
    block: Block,
    path: Path,
    settings: Mapping[str, Any],
    theme: Theme,
    asked: Asked = NOTHING,
    step: Callable[[str], None] = lambda what: None,
) -> None:
    """Write the page of `block` to `path`; `step` is told of each part of the work before it.

    Raises as `make_page` does, and DiagnosticError if it cannot be written; then nothing is.
    """
    step("drawing")
    page = make_page(block, settings, asked)
    step("putting together")
    data = page_html(page, theme).encode()
    step("writing")
    write_atomically(path, data)


def make_page(block: Block, settings: Mapping[str, Any], asked: Asked = NOTHING) -> Page:
    """What there is to see of `block`.

    A view that cannot show it says so in its panel, unless something was `asked` for. Raises
    DiagnosticError if it does not compile, and what a view raises for what it cannot be asked.
    """
    if asked.diff is not None:
        raise ValueError("--diff is for pictures of --view graph; a page has none")
    compiled = analyse(block, settings)
    return Page(
        compiled.drawn.name,
        f"{block.name}: the drawing, what fused in it, how that runs, and what was emitted for it",
        tuple(_filled(panel, block, settings, asked) for panel in PANELS),
        (
            *_programs(compiled),
            _drawing(block, compiled),
            Listing("Explanation", "text", explain(compiled)),
        ),
    )


def _filled(panel: Panel, block: Block, settings: Mapping[str, Any], asked: Asked) -> Panel:
    try:
        picture, frames = _view(panel.id, block, settings, _part(asked, panel.id))
        return replace(panel, svg=encode(picture, "svg").decode(), frames=frames)
    except (DiagnosticError, ValueError, TypeError) as error:
        if asked.said:
            raise
        return replace(panel, note=_sentence(error))


def _view(
    name: str, block: Block, settings: Mapping[str, Any], asked: Asked
) -> tuple[Picture, tuple[Frame, ...]]:
    """A picture, and the steps of its loop, if there is one."""
    if name != "tiles":
        return picture_of(block, name, settings, asked), ()
    view = tiles_view(analyse(block, settings), tiles_asked(asked))
    frames = tile_frames(view)
    return tiles_picture(view, still=not frames), frames


def _part(asked: Asked, view: str) -> Asked:
    """Of what was asked, what the view knows."""
    known = {option.removeprefix("--").replace("-", "_") for option in VIEWS[view].options}
    return Asked(**{name: value for name, value in vars(asked).items() if name in known})


def _drawing(block: Block, compiled: Compiled) -> Listing:
    """The author's text, each line with the links of the nodes that it first names."""
    diagram = compiled.diagram
    links: dict[int, tuple[str, ...]] = {}
    for name, found in drawn_links(diagram, compiled.fused).items():
        if name in diagram.nodes:
            line = diagram.nodes[name].span.line
            links[line] = tuple(dict.fromkeys((*links.get(line, ()), *found)))
    whole = Span(block.source, block.start, block.end)
    return Listing("Drawing", "text", whole.text, links, first=whole.line)


def _programs(compiled: Compiled) -> Iterator[Listing]:
    """What each target emits; what it says instead, where it lacks something."""
    for target in sorted(backend_names(), key="numpy".__ne__):  # what anyone can run is first
        title, language = LANGUAGES.get(target, (target, "text"))
        try:
            program = lower(compiled, target)
            yield Listing(title, language, program.source, program.links)
        except DiagnosticError as error:
            yield Listing(title, language, "", note=_sentence(error))


def _sentence(error: Exception) -> str:
    """What is wrong and what to do, without a place."""
    if not isinstance(error, DiagnosticError):
        return str(error)
    return "\n".join(": ".join(filter(None, (d.message, d.help))) for d in error.diagnostics)
