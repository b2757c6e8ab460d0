"""What the tests of meaning share: drawings read, their operations, attention in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from attn_dsl.diagnostics import Diagnostic, DiagnosticError
from attn_dsl.ir import Graph, to_text
from attn_dsl.ir.ops import Input
from attn_dsl.pipeline import Compiled, analyse, read

NDArray = np.ndarray[Any, Any]
QKV = 'Q(["Q : f32[B, N, D]"])\nK(["K : f32[B, M, D]"])\nV(["V : f32[B, M, E]"])\n'
"""Query, key and value of one head, with sizes of their own."""


def compiled(text: str, **settings: Any) -> Compiled:
    """The drawing `text`, without its header; `__` in a setting's name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return analyse(read(f"flowchart TD\n{text}"), named)


def problems(text: str, **settings: Any) -> list[Diagnostic]:
    """The errors of a drawing, without warnings and notes."""
    try:
        compiled(text, **settings)
    except DiagnosticError as error:
        return [d for d in error.diagnostics if d.code.startswith("E")]
    return []


def codes(text: str, **settings: Any) -> list[str]:
    """The codes of the errors."""
    return [d.code for d in problems(text, **settings)]


def remarked(found: Compiled) -> list[str]:
    """The codes of warnings and notes on the meaning, not on the syntax."""
    return [d.code for d in found.notes if d.code[1:] >= "020"]


def operations(graph: Graph) -> list[str]:
    """The operations by name, inputs left out."""
    return [s.op.mnemonic for s in graph.statements if not isinstance(s.op, Input)]


def body(graph: Graph) -> list[str]:
    """The lines of the graph's text that compute something."""
    return [x for x in to_text(graph).splitlines() if x.startswith("%") and " = input()" not in x]


def inputs(graph: Graph) -> dict[str, str]:
    """The type of every input that is no parameter, by its name."""
    ops = [s.op for s in graph.inputs if isinstance(s.op, Input)]
    return {op.name: op.type for op in ops if not op.parameter}


def parameters(graph: Graph) -> dict[str, str]:
    """The type of every parameter, by its name."""
    return {
        s.op.name: s.op.type for s in graph.inputs if isinstance(s.op, Input) and s.op.parameter
    }


def attention(
    q: NDArray, k: NDArray, v: NDArray, scale: float = 1.0, keep: ArrayLike = True
) -> NDArray:
    """softmax(scale * q kᵀ) v in float64; `keep` says which scores count."""
    scores = np.where(keep, scale * (q @ np.swapaxes(k, -1, -2)), -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ v


def normal(seed: int, *shape: int) -> NDArray:
    """Unit-normal numbers in single precision."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
