"""What a pass says about its work."""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.ir import Graph, Origin


@dataclass(frozen=True)
class Remark:
    """A softmax that was fused (`value` is the fused op), or was not, for `reason`.

    `origins` are the drawn operations concerned: all that were absorbed, or the softmax and the
    one that stood in the way.
    """

    value: str
    fused: bool
    reason: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Rewritten:
    """A pass's result."""

    graph: Graph
    remarks: tuple[Remark, ...] = ()
