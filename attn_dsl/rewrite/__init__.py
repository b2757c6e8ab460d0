"""What every rewrite of a graph needs: a reason for giving up, new names, replacement.

In: a `Graph`. Out: a `Graph` that computes the same. The fusions themselves are in `passes`.
"""

from attn_dsl.rewrite.define import Definitions
from attn_dsl.rewrite.match import NoMatch, only_user
from attn_dsl.rewrite.replace import fresh_name, replace_statements

__all__ = ["Definitions", "NoMatch", "fresh_name", "only_user", "replace_statements"]
