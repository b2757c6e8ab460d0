"""Imports point one way, and no further than the plan in docs/architecture.md allows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "grammars": set(),
    "diagnostics": set(),
    "textbuilder": set(),
    "files": {"diagnostics"},
    "expr": {"diagnostics", "grammars"},
    "syntax": {"diagnostics", "expr", "grammars"},
    "ir": {"diagnostics", "expr"},
    "library": set(),
    "semantics": {"diagnostics", "expr", "syntax", "ir", "library"},
    "rewrite": {"ir"},
    "passes": {"diagnostics", "expr", "ir", "rewrite"},
    "tile": {"expr", "ir"},
    "render": {"diagnostics", "expr", "syntax", "ir", "passes", "tile", "files", "textbuilder"}
    | {"links"},
    "links": {"ir", "textbuilder", "tile"},
    "backend": {"ir"},
    "attn_numpy": {"backend", "diagnostics", "expr", "ir", "tile", "textbuilder", "arrays"}
    | {"links"},
    "attn_cuda": {"backend", "diagnostics", "expr", "ir", "tile", "textbuilder"}
    | {"arrays", "links", "tensors"},
}
"""What each stage may import; `pipeline`, `cli` and what they are made of see all of the core."""

PACKAGES = {"attn_dsl": "attn_dsl", "grammars": "attn_dsl.grammars"}
BACKENDS = {"backends/attn_numpy": "attn_numpy", "backends/attn_cuda": "attn_cuda"}


def modules() -> Iterator[tuple[str, Path]]:
    for folder, package in (PACKAGES | BACKENDS).items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join([package, *parts])
            yield name.removesuffix(".__init__"), path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The project's own modules that `path` imports, and whether inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [s if s in MODULES else node.module for s in submodules]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in dict.fromkeys(names):
            if name in MODULES:
                yield name, id(node) not in top


def stage(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] != "attn_dsl" else parts[1] if len(parts) > 1 else "attn_dsl"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_stage_imports_only_what_it_may(module: str) -> None:
    own = stage(module)
    used = {stage(name) for name, _ in imports(MODULES[module])} - {own}
    if own in ALLOWED:
        assert used <= ALLOWED[own]
    else:
        assert not used & set(BACKENDS.values()), "the core knows no backend"


def test_no_cycles() -> None:
    graph = nx.DiGraph(
        (name, other)
        for name, path in MODULES.items()
        for other, lazy in imports(path)
        if not lazy and name != other
    )
    cycles = [c for c in nx.strongly_connected_components(graph) if len(c) > 1]
    assert cycles == []


def test_the_check_sees_imports() -> None:
    """Else it would pass on anything."""
    assert ("attn_dsl.expr", False) in set(imports(MODULES["attn_dsl.ir.dims"]))
    assert any(lazy for path in MODULES.values() for _, lazy in imports(path))
