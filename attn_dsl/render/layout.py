"""Graphviz: DOT text as a picture.

Graphviz does not let go of Python while it works, which for a large drawing takes seconds: that
is done in a process of its own, `python -m attn_dsl.render.layout`, so that whoever waits can
show that, stop it, or do something else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.render.titles import raise_titles

RESOLUTION = {"png": "-Gdpi=192"}
LARGE = 600
"""So many nodes and edges are laid out in a process of its own, with less effort."""
MAX_NODES, MAX_EDGES = 4_000, 8_000
LESS_EFFORT = {"nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.1", "splines": "polyline"}


def graphviz(dot: str, format: str, layout: str = "dot") -> bytes:
    """Draw DOT text as svg, png or pdf, laid out by `layout`: `nop2` where it is already.

    Raises DiagnosticError: E082 if Graphviz cannot, E084 if there is more than it does in time.
    """
    import pygraphviz  # noqa: PLC0415 # loads Graphviz, which only drawing needs

    try:
        with _quiet():
            graph = pygraphviz.AGraph(string=dot)
            nodes, edges = graph.number_of_nodes(), graph.number_of_edges()
    except ValueError as error:
        raise _refused(str(error)) from error
    if nodes > MAX_NODES or edges > MAX_EDGES:
        message = f"{nodes:,} boxes and {edges:,} arrows are too many for one picture"
        help = (
            f"at most {MAX_NODES:,} and {MAX_EDGES:,} are drawn: --depth 0 draws each subgraph as "
            "one box, --depth 1 opens the outermost"
        )
        raise DiagnosticError([Diagnostic("E084", message, help=help)])
    if nodes + edges < LARGE:
        return _draw(dot, format, layout, large=False)
    return _elsewhere(dot, format, layout)


def _draw(dot: str, format: str, layout: str, large: bool) -> bytes:
    import pygraphviz  # noqa: PLC0415

    try:
        with _quiet():
            graph = pygraphviz.AGraph(string=dot)
            if large:
                graph.graph_attr.update(LESS_EFFORT)
            if layout != "nop2":
                graph.layout(layout)
                raise_titles(graph)
            args = RESOLUTION.get(format, "")
            data: bytes = graph.draw(format=format, prog="nop2", args=args)
    except ValueError as error:
        raise _refused(str(error)) from error
    return data


def _elsewhere(dot: str, format: str, layout: str) -> bytes:
    # -P: what lies in the folder where a user works is no module of ours.
    command = [sys.executable, "-P", "-m", "attn_dsl.render.layout", format, layout]
    done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        raise _refused(next(filter(None, reversed(said)), "it stopped"))
    return done.stdout


def _refused(reason: str) -> DiagnosticError:
    return DiagnosticError([Diagnostic("E082", f"Graphviz cannot draw this: {reason}")])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of C libraries, such as fontconfig's, from standard error."""
    with tempfile.TemporaryFile() as sink:
        kept = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _main() -> None:
    """Draw what comes in to what goes out."""
    format, layout = sys.argv[1:]
    sys.stdout.buffer.write(_draw(sys.stdin.buffer.read().decode(), format, layout, large=True))


if __name__ == "__main__":
    _main()
