"""Pictures of the numbers of an attention: what a fused graph computes, step by step.

In: a fused `Graph` and arrays for its inputs. Out: a `Trace` of each head, evaluated in float64,
and from it alone a picture: the four steps with every number, a sequence diagram, or heat maps.
"""

from attn_dsl.render.trace.record import Trace, trace_attention
from attn_dsl.render.trace.view import Head, trace_picture

__all__ = ["Head", "Trace", "trace_attention", "trace_picture"]
