"""Runs the passes; printing and verifying hang here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attn_dsl.ir import Graph, verify
from attn_dsl.passes.distribute import distribute
from attn_dsl.passes.fuse import fuse_attention
from attn_dsl.passes.join_scores import join_scores
from attn_dsl.passes.merge_linear import merge_linear
from attn_dsl.passes.remark import Remark, Rewritten
from attn_dsl.passes.reroll import reroll
from attn_dsl.passes.straighten import straighten


@dataclass(frozen=True)
class Pass:
    """A named rewrite of the whole graph."""

    name: str
    run: Callable[[Graph], Rewritten]


PIPELINE: tuple[Pass, ...] = (
    Pass("reroll", reroll),
    Pass("merge-linear", merge_linear),
    Pass("straighten", straighten),
    Pass("distribute", distribute),
    Pass("join-scores", join_scores),
    Pass("fuse-attention", fuse_attention),
)


def run_passes(
    graph: Graph, after: Callable[[str, Graph], None] = lambda name, graph: None
) -> Rewritten:
    """Run `PIPELINE`; `after(pass name, graph)` is called between passes."""
    remarks: list[Remark] = []
    verify(graph)
    for step in PIPELINE:
        rewritten = step.run(graph)
        graph = verify(rewritten.graph)
        remarks.extend(rewritten.remarks)
        after(step.name, graph)
    return Rewritten(graph, tuple(remarks))
