"""The passes over the graph, in order.

In: a typed `Graph`. Out: a `Graph` that computes the same, with fused operations, and remarks on
what was fused and what was not. `verify` runs after every pass.
"""

from attn_dsl.passes.fuse import fuse_attention
from attn_dsl.passes.remark import Remark, Rewritten
from attn_dsl.passes.run import PIPELINE, Pass, run_passes

__all__ = ["PIPELINE", "Pass", "Remark", "Rewritten", "fuse_attention", "run_passes"]
