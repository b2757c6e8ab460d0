"""A file's page: its pictures and what was emitted for it, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attn_dsl.backend import backend_names
from attn_dsl.diagnostics import DiagnosticError, Span
from attn_dsl.explain import explain
from attn_dsl.files import write_atomically
from attn_dsl.picture import VIEWS
from attn_dsl.pipeline import Compiled, analyse, lower
from attn_dsl.render import Theme, drawn_links, encode
from attn_dsl.render.page import Listing, Page, Panel, page_html
from attn_dsl.syntax import Block

LANGUAGES = {"numpy": ("NumPy", "python"), "cuda": ("CUDA", "cuda")}
"""What a target is called on the page, and its language by pygments' name."""


def write_page(block: Block, path: Path, settings: Mapping[str, Any], theme: Theme) -> None:
    """Write the page of `block` to `path`.

    Raises DiagnosticError if it does not compile or cannot be written, and then nothing is.
    """
    write_atomically(path, page_html(make_page(block, settings), theme).encode())


def make_page(block: Block, settings: Mapping[str, Any]) -> Page:
    """What there is to see of `block`; DiagnosticError if it does not compile."""
    compiled = analyse(block, settings)
    return Page(
        compiled.drawn.name,
        f"{block.name}: what was drawn, what was fused, and what was emitted for it",
        (
            _panel("diagram", "Diagram", block, settings),
            _panel("fused", "Fused graph", block, settings),
        ),
        (
            *_programs(compiled),
            _drawing(block, compiled),
            Listing("Explanation", "text", _explanation(compiled)),
        ),
    )


def _panel(view: str, title: str, block: Block, settings: Mapping[str, Any]) -> Panel:
    svg = encode(VIEWS[view](block, settings), "svg").decode()
    return Panel(view, title, svg, nouns=("box", "boxes"))


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
            said = (f"{d.message}. {d.help.capitalize()}" for d in error.diagnostics)
            yield Listing(title, language, "", note=f"Nothing for {title}: {'; '.join(said)}.")


def _explanation(compiled: Compiled) -> str:
    return explain(compiled.drawn, compiled.fused, compiled.remarks, compiled.settings)
