"""The whole way: text ─▶ Diagram ─▶ Graph ─▶ fused Graph ─▶ Program ─▶ Kernel.

Each arrow is a function of one stage; this module only calls them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attn_dsl.backend import Options, Program, find_backend
from attn_dsl.diagnostics import Diagnostic, Source
from attn_dsl.ir import Graph
from attn_dsl.passes import Remark, run_passes
from attn_dsl.semantics import Settings, elaborate, read_settings
from attn_dsl.syntax import MAX_SIZE, Block, Diagram, find_blocks, parse, read_document

if TYPE_CHECKING:
    from attn_dsl.kernel import Kernel

Observer = Callable[[str, Graph], None]


@dataclass(frozen=True)
class Compiled:
    """A diagram and what became of it, up to the fused graph.

    `drawn` is the graph as it was drawn, `fused` after all passes; `remarks` say what fused;
    `notes` are warnings and notes on how the drawing was read.
    """

    diagram: Diagram
    settings: Settings
    drawn: Graph
    fused: Graph
    remarks: tuple[Remark, ...]
    notes: tuple[Diagnostic, ...]


def read(source: str | Path, max_size: int = MAX_SIZE) -> Block:
    """The diagram that `source` names (a path), or is (a text of more than one line).

    A file of more than `max_size` bytes is refused.
    """
    if isinstance(source, str) and "\n" in source.strip():
        text = Source("<text>", source)
        return Block(text, 0, len(text.text), text.name)
    return read_document(str(source), max_size)


def analyse(
    block: Block,
    settings: Mapping[str, Any] | None = None,
    after: Observer = lambda name, graph: None,
) -> Compiled:
    """Parse, elaborate and fuse; `after(name, graph)` is called after every stage on graphs.

    `settings` go over the front matter's. Raises DiagnosticError with all that is wrong.
    """
    diagram = parse(block.source, block.start, block.end)
    merged = read_settings(diagram, settings or {})
    elaborated = elaborate(diagram, merged, _name(block, diagram))
    after("elaborate", elaborated.graph)
    rewritten = run_passes(elaborated.graph, after)
    return Compiled(
        diagram,
        merged,
        elaborated.graph,
        rewritten.graph,
        rewritten.remarks,
        elaborated.notes,
    )


def lower(
    compiled: Compiled, target: str, arch: str | None = None, blas: str | None = None
) -> Program:
    """Source text for `target`; ValueError if there is no such target, or it has no such option."""
    options = Options(compiled.settings.dims, arch, blas=blas)
    return find_backend(target).lower(compiled.fused, options)


def build(
    source: str | Path,
    target: str = "numpy",
    settings: Mapping[str, Any] | None = None,
    *,
    emulate: bool = False,
    arch: str | None = None,
) -> Kernel:
    """Compile `source`, and load what was emitted.

    Raises DiagnosticError for what is wrong with the diagram, ValueError for an unknown target,
    and `Unavailable` if this machine lacks what the target needs.
    """
    return load(analyse(read(source), settings), target, emulate=emulate, arch=arch)


def load(
    compiled: Compiled, target: str, *, emulate: bool = False, arch: str | None = None
) -> Kernel:
    """Emit and load. Raises as `build` does."""
    from attn_dsl.kernel import Kernel  # noqa: PLC0415  (needed only to run)

    program = lower(compiled, target, arch)
    runner = find_backend(target).load(program, emulate=emulate)
    where = f"{target}, emulated on the host" if emulate and target == "cuda" else target
    return Kernel(compiled, program, runner, where)


def _name(block: Block, diagram: Diagram) -> str:
    """What to call the graph: the diagram's title, its heading in Markdown, its file."""
    headings = {b.start: b.heading for b in find_blocks(block.source.text)}
    stem = Path(block.source.name).stem if block.source.name != "<text>" else "attention"
    return diagram.title or headings.get(block.start, "") or stem
