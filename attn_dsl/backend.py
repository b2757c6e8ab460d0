"""What a backend is: a package that prints a graph in a language, and runs what it printed.

In: a fused `Graph`. Out: a `Program`: source text, its entry point, and the graph that it
computes, which serves as the manifest. Backends register under the entry-point group
`attn_dsl.backends`; the core knows them by this protocol alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from attn_dsl.ir import Graph, Sizes

Runner = Callable[[Mapping[str, Any], Sizes], list[Any]]
"""Runs a loaded program: arrays by input name (absent optional ones left out) and the sizes at
which they fit, to the outputs in the graph's order. Arrays are NumPy's, or of any library that
speaks DLPack; their dtypes and shapes were checked before."""


@dataclass(frozen=True)
class Options:
    """What lowering may depend on: sizes that are known now, and the GPU architecture.

    `count` asks for a program that counts what it executes, where the target can. `blas` names a
    library that is to compute matrix products, such as cublaslt.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    arch: str | None = None
    count: bool = False
    blas: str | None = None


@dataclass(frozen=True)
class Program:
    """Source text for one target.

    `entry` is the function to call, `graph` the fused graph that it computes, `suffix` the
    file ending of the source, with its dot. `sizes` are those that were compiled in. `header`
    is the text of a C header that declares `entry`, where other languages can call it, `libraries`
    are those that it calls and has to be linked with. `links` say of a line of the source, from
    1 on, which values of the graph, and which parts of fused operations, it computes: see
    `attn_dsl/links.py`.
    """

    target: str
    source: str
    entry: str
    suffix: str
    graph: Graph
    sizes: Mapping[str, int] = field(default_factory=dict)
    header: str = ""
    libraries: tuple[str, ...] = ()
    links: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class Backend(Protocol):
    """A target language."""

    name: str

    def lower(self, graph: Graph, options: Options) -> Program:
        """Print `graph`: pure, with no device and no compiler. Raises DiagnosticError."""
        ...

    def load(self, program: Program, *, emulate: bool = False) -> Runner:
        """What it takes to run `program` here. Raises `Unavailable` if something is missing."""
        ...


class Failure(RuntimeError):
    """A kernel that could not be built, or failed when it ran; the message says how."""


class Unavailable(Failure):
    """This machine lacks what a target needs; the message says what, and the ways on."""


def backend_names() -> list[str]:
    """The targets that are installed."""
    from importlib.metadata import entry_points  # noqa: PLC0415  (slow to load)

    return sorted(point.name for point in entry_points(group="attn_dsl.backends"))


def find_backend(name: str) -> Backend:
    """The backend for the target `name`; ValueError lists those that there are."""
    from importlib.metadata import entry_points  # noqa: PLC0415  (slow to load)

    for point in entry_points(group="attn_dsl.backends", name=name):
        backend: Backend = point.load()
        return backend
    raise ValueError(f"there is no target {name!r}; there are {', '.join(backend_names())}")
