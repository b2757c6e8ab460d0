"""Modules: diagrams that nodes stand for, from the library or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from os.path import normpath
from pathlib import Path, PurePath

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.ir.ops import Mask
from attn_dsl.library import WORDS, library_path
from attn_dsl.semantics.drawing import Drawn, read_drawing
from attn_dsl.semantics.families import collapse_families
from attn_dsl.semantics.interface import (
    Interface,
    InterfaceOf,
    Output,
    is_path,
    make_outputs,
    parameter_names,
)
from attn_dsl.semantics.keys import check_keys
from attn_dsl.semantics.labels import read_label
from attn_dsl.syntax import Diagram, file_of, read_document
from attn_dsl.syntax import parse as parse_diagram

Change = tuple[int, int]
"""The time and the size of a file."""


@dataclass(frozen=True)
class Module:
    """A diagram that is used inside another, and what was found while it was read.

    `name` is its file, and `place` where the diagram begins there: two names that agree in both
    are one module.
    """

    name: str
    place: int
    diagram: Diagram
    drawing: dict[str, Drawn]
    found: tuple[Diagnostic, ...]

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from every other module."""
        return self.name, self.place

    @cached_property
    def inputs(self) -> list[Drawn]:
        """The nodes that take their value from the call."""
        nodes = self.drawing.values()
        used = {o.source for d in nodes for o in d.operands}
        return [d for d in nodes if d.node.id in used and not d.operands and _is_input(d)]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The ids of the nodes that nobody uses, by the names of the outputs."""
        return dict(zip((o.name for o in _outputs(self.drawing)), _last(self.drawing), strict=True))


def module_path(name: str, diagram: Diagram) -> str:
    """The file of the library's module `name`, or one beside the diagram that names it.

    `file.md#2` and `file.md#Heading` are blocks of a file, `#2` those of the diagram's own.
    """
    if name in WORDS:
        return str(library_path(name))
    own = diagram.source.name
    path, mark, block = name.partition("#")
    file = normpath(PurePath(own).parent / path if path else own)
    return f"{file}{mark}{block}"


def load_module(path: str) -> Module:
    """Read the diagram at `path`; raises DiagnosticError if it does not parse."""
    changed = _changed(path)
    diagram, _ = _parsed(path, changed)
    return _load(path, changed, tuple((inner, _changed(inner)) for inner in _named(diagram)))


def module_files(diagram: Diagram) -> frozenset[Path]:
    """The files of `diagram`, of the modules that it names by a path, and of those in them.

    One that is not there is among them, since it is looked for.
    """
    found, waiting = {file_of(diagram.source.name)}, _named(diagram)
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        found.add(file_of(path))
        try:
            waiting += _named(_parsed(path, _changed(path))[0])
        except DiagnosticError:
            continue  # it is reported where the module is used
    return frozenset(found)


def _named(diagram: Diagram) -> list[str]:
    """The paths of the modules that `diagram` names by a path."""
    words = (node.data.values.get("op") for node in diagram.nodes.values())
    return [module_path(w, diagram) for w in words if isinstance(w, str) and is_path(w)]


def interfaces(diagram: Diagram) -> InterfaceOf:
    """What `diagram` sees of the modules that it names."""

    @cache
    def interface_of(name: str) -> Interface | None:
        path = module_path(name, diagram)
        try:
            return _interface(path, _changed(path))
        except DiagnosticError:
            return None  # it is reported where the module is used

    return interface_of


def _changed(path: str) -> Change:
    """What differs once the file at `path` is another."""
    try:
        status = file_of(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size


@cache
def _load(path: str, changed: Change, inside: tuple[tuple[str, Change], ...]) -> Module:
    """Once for each time at which the file `changed`, or one that it names, `inside` it."""
    diagram, start = _parsed(path, changed)
    found: list[Diagnostic] = []
    interface_of = interfaces(diagram)
    read = read_drawing(diagram, found, interface_of)
    found += check_keys(diagram, read, interface_of)
    return Module(diagram.source.name, start, diagram, collapse_families(read), tuple(found))


@cache
def _interface(path: str, changed: Change) -> Interface:
    """Of the drawing alone: what its own modules give does not change its outputs."""
    diagram, _ = _parsed(path, changed)
    drawing = collapse_families(read_drawing(diagram, []))
    return Interface(_outputs(drawing), parameter_names(diagram.settings.values))


@cache
def _parsed(path: str, changed: Change) -> tuple[Diagram, int]:
    """The diagram, and where it begins in its file."""
    block = read_document(path)
    return parse_diagram(block.source, block.start, block.end), block.start


def _last(drawing: dict[str, Drawn]) -> list[str]:
    """The nodes that nobody uses."""
    used = {o.source for d in drawing.values() for o in d.operands}
    return [id for id, d in drawing.items() if id not in used and d.operands]


def _outputs(drawing: dict[str, Drawn]) -> tuple[Output, ...]:
    last = [drawing[id] for id in _last(drawing)]
    return make_outputs((d.node.id, d.name, _title(d)) for d in last)


def _title(drawn: Drawn) -> str:
    """The label of a node, unless it says what the node does and not what it gives."""
    label = drawn.node.label
    return "" if read_label(label, []).acts else label.text


def _is_input(drawn: Drawn) -> bool:
    """Whether it takes its value from the call: an optional mask does not."""
    return not drawn.meaning.acts or (drawn.meaning.op is Mask and not drawn.meaning.optional)
