"""attn: diagrams that run.

    import attn_dsl as attn
    kernel = attn.compile("examples/causal.attn")
    out = kernel(Q=q, K=k, V=v)

In: a diagram in Mermaid's flowchart syntax. Out: a kernel, its source, its picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn_dsl.backend import Unavailable
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.kernel import Kernel
from attn_dsl.pipeline import build

__version__ = "0.1.0"
__all__ = ["DiagnosticError", "Kernel", "Unavailable", "compile"]


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
    return build(source, target, settings, emulate=emulate, arch=arch)
