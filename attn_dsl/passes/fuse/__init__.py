"""Fusions, one a file.

In: a `Graph`. Out: a `Graph` in which what can be computed tile by tile is one operation.
"""

from attn_dsl.passes.fuse.attention import fuse_attention

__all__ = ["fuse_attention"]
