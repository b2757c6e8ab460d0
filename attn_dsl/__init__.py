"""attn: diagrams that run.

    import attn_dsl as attn
    kernel = attn.compile("examples/causal.attn")
    out = kernel(Q=q, K=k, V=v)
    attn.load("examples/causal.attn").view("tiles")

In: a diagram in Mermaid's flowchart syntax. Out: a kernel, its source, its picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attn_dsl.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from attn_dsl.backend import Unavailable
    from attn_dsl.drawing import Drawing
    from attn_dsl.kernel import Kernel
else:
    # The rest is loaded when it is asked for: it takes NumPy with it.
    def __getattr__(name: str) -> Any:
        homes = {
            "Drawing": "attn_dsl.drawing",
            "Kernel": "attn_dsl.kernel",
            "Unavailable": "attn_dsl.backend",
        }
        if name not in homes:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)


__version__ = "0.1.0"
__all__ = ["DiagnosticError", "Drawing", "Kernel", "Unavailable", "compile", "load"]


def compile(
    source: str | Path,
    target: str = "numpy",
    settings: Mapping[str, Any] | None = None,
    *,
    emulate: bool = False,
    arch: str | None = None,
) -> Kernel:
    """Compile a diagram to a kernel.

    `source` is a path (`notes.md#2` picks a block of Markdown), or the text of a diagram.
    `target` is `numpy` or `cuda`; with `emulate` the emitted CUDA source is executed on the
    host. `settings` are as in `--set`: sizes by symbol, and `dtype`.

    Raises DiagnosticError with everything that is wrong with the diagram, ValueError for an
    unknown target, and Unavailable if this machine lacks what the target needs.
    """
    from attn_dsl.pipeline import build  # noqa: PLC0415  (takes NumPy with it)

    return build(source, target, settings, emulate=emulate, arch=arch)


def load(source: str | Path, settings: Mapping[str, Any] | None = None) -> Drawing:
    """Read a diagram, to look at it: a notebook shows it, and `view("tiles")` what it becomes.

    `source` and `settings` are as for `compile`. Raises DiagnosticError if there is no such file.
    """
    from attn_dsl.drawing import Drawing  # noqa: PLC0415  (takes NumPy with it)

    return Drawing(source, settings)
