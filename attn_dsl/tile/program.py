"""The tile program: what a fused kernel does, step by step, before any language.

    for each batch, head and query tile:            # the grid; all independent
        prologue                                    # load the queries, clear the running sums
        for each key tile of `keys`:                # the loop; sequential
            body                                    # scores, online softmax, weighted sum
        epilogue                                    # normalise, store

The online softmax is that of Milakov and Gimelshein (arXiv 1805.02867) in the tiled form of
FlashAttention (arXiv 2205.14135, algorithm 1): a running maximum and a running sum per row, and
what is accumulated so far rescaled whenever the maximum rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from attn_dsl.expr import TRUE, Expr, Tensor, names_in, tensors_in
from attn_dsl.ir.dims import Dim
from attn_dsl.ir.types import DType
from attn_dsl.tile.bounds import Edges, KeyLoop
from attn_dsl.tile.ranges import Range
from attn_dsl.tile.scope import Scope


class Tier(Enum):
    """Where a buffer lives."""

    GLOBAL = "global"
    CACHE = "cache"  # shared memory on a GPU
    REGISTER = "register"


@dataclass(frozen=True)
class Buffer:
    """A named array in one memory tier.

    A tile's shape is in elements. That of a global buffer leaves out the batch dims, which are
    in `outer`; `value` is the graph's name of what it holds.
    """

    name: str
    tier: Tier
    dtype: DType
    shape: tuple[Dim, ...]
    value: str | None = None
    optional: bool = False
    outer: tuple[Dim, ...] = ()


@dataclass(frozen=True)
class Pages:
    """Where the rows of a tile lie in a pool: row `k % size` of the page that `page` names.

    `axis` is that of a page's rows, -2 or -3, and `count` is how many pages the pool has;
    `heads` is for how many heads a page has rows, if it has that dim.
    """

    page: Tensor
    size: Dim
    count: Dim
    axis: int
    heads: Dim | None


@dataclass(frozen=True)
class Load:
    """Copy the rows of this tile from `source` into `into`, times `scale` if there is one.

    Where it is `grouped`, `source` has fewer heads: see `TileProgram.groups`. Where `source` is
    a pool of pages, `pages` says which ones.
    """

    into: str
    source: str
    axis: str  # "q" or "k": which tile's rows
    scale: Expr | None = None
    grouped: bool = False
    pages: Pages | None = None


@dataclass(frozen=True)
class Fill:
    """Set every element of `buffer` to `value`."""

    buffer: str
    value: float


@dataclass(frozen=True)
class Begin:
    """Let each row begin with the logit `sink`, which has no key: `maximum` and `total` of it."""

    maximum: str
    total: str
    sink: Expr


@dataclass(frozen=True)
class Contract:
    """`into = lhs rhsᵀ` or, accumulating, `into += lhs rhs`."""

    into: str
    lhs: str
    rhs: str
    transposed: bool
    accumulate: bool


@dataclass(frozen=True)
class Map:
    """Replace every score `s` by `score`; if `given` is named, only where that tensor is given."""

    buffer: str
    score: Expr
    given: str | None = None


@dataclass(frozen=True)
class Hide:
    """Set to `value` the scores that `mask` does not keep.

    Not needed on a tile where `full` holds, nor where the tensor `given` is named and absent.
    """

    buffer: str
    mask: Expr
    full: Expr
    given: str | None = None
    value: float = -math.inf


@dataclass(frozen=True)
class RowMax:
    """`into = max(previous, max over the row of scores)`."""

    into: str
    previous: str
    scores: str


@dataclass(frozen=True)
class Exponentiate:
    """`into = exp(scores - maximum)`, row by row; 0 in a row that is all -inf so far."""

    into: str
    scores: str
    maximum: str


@dataclass(frozen=True)
class Weigh:
    """`into = scores`: nothing normalizes them. Past the last key they are 0."""

    into: str
    scores: str


@dataclass(frozen=True)
class Rescale:
    """Multiply `buffers` by exp(previous - maximum), then let `previous` be `maximum`."""

    buffers: tuple[str, ...]
    previous: str
    maximum: str


@dataclass(frozen=True)
class RowSum:
    """`into += sum over the row of weights`."""

    into: str
    weights: str


@dataclass(frozen=True)
class Normalize:
    """Divide the rows of `buffer` by `total`; a row whose total is 0 stays 0."""

    buffer: str
    total: str


@dataclass(frozen=True)
class LogSum:
    """`into = maximum + log(total)`, row by row; -inf where the total is 0."""

    into: str
    maximum: str
    total: str


@dataclass(frozen=True)
class Store:
    """Copy the rows of this query tile from `buffer` to `into`."""

    into: str
    buffer: str


Step = (
    Load
    | Fill
    | Begin
    | Contract
    | Map
    | Hide
    | RowMax
    | Exponentiate
    | Weigh
    | Rescale
    | RowSum
    | Normalize
    | LogSum
    | Store
)


@dataclass(frozen=True)
class TileProgram:
    """A fused attention as tiles.

    `query_length`, `key_length`, `head_dim` and `value_dim` are the sizes N, M, D and E, which is
    0 where there are no values, but for a log-sum-exp;
    `query_tile` and `key_tile` how many queries and keys a tile holds, and `edge_tile` how many
    keys at the edges of the mask, if these have tiles of their own. `live` and `full` are
    the mask analysis: where `live` fails a tile is skipped, where `full` holds it needs no
    mask; `keys` is `live` as loop bounds, and `edges` is both, where bounds say all of it;
    `ranges` are what these mention of captured tensors. Where heads are grouped, `groups` are
    the number H of the query's and G of the key's: head h reads h // (H / G).
    """

    name: str
    query_length: Dim
    key_length: Dim
    head_dim: Dim
    value_dim: Dim
    query_tile: int
    key_tile: int
    live: Expr
    full: Expr
    keys: KeyLoop
    edges: Edges | None
    buffers: tuple[Buffer, ...]
    prologue: tuple[Step, ...]
    body: tuple[Step, ...]
    epilogue: tuple[Step, ...]
    groups: tuple[Dim, Dim] | None = None
    ranges: tuple[Range, ...] = ()
    edge_tile: int | None = None

    def buffer(self, name: str) -> Buffer:
        """The buffer called `name`."""
        return next(b for b in self.buffers if b.name == name)

    @property
    def operands(self) -> tuple[Buffer, ...]:
        """Query, key and, if there is one, value."""
        return tuple(b for b in self.buffers if b.name in ("query", "key", "value"))

    @property
    def results(self) -> tuple[Buffer, ...]:
        """The global buffers that are written: the result, the log-sum-exp, or both."""
        return tuple(b for b in self.buffers if b.name in ("out", "lse_out"))

    @property
    def captured(self) -> tuple[Buffer, ...]:
        """The global buffers beside query, key, value and results: what the expressions read."""
        known = ("query", "key", "value", "out", "lse_out")
        return tuple(b for b in self.buffers if b.tier is Tier.GLOBAL and b.name not in known)

    @property
    def batch(self) -> tuple[Dim, ...]:
        """The batch dims of the result, the last of them its heads."""
        return self.buffer("out").outer

    def differs_by(self, *indices: str) -> bool:
        """Whether heads that differ in one of `indices`, `b` or `h`, may have other tiles."""
        asked = (self.live, self.full, *(r.expr for r in self.ranges))
        of_scores = any(tensors_in(r.expr, gathered=False) for r in self.ranges)
        return of_scores or any(names_in(expr) & {*indices} for expr in asked)

    @property
    def asks_each_tile(self) -> bool:
        """Whether bounds and numbers of the head do not say which tiles are live and full."""
        scalars = {b.name for b in self.captured if not b.shape and not b.optional}
        gathered = all({*tensors_in(r.expr, gathered=False)} <= scalars for r in self.ranges)
        return self.keys.live != TRUE or not gathered or any(r.axis for r in self.ranges)

    @property
    def by_edges(self) -> bool:
        """Whether tiles are small at the edges of the mask, and large between them."""
        return None not in (self.edges, self.edge_tile) and not self.asks_each_tile

    @property
    def scope(self) -> Scope:
        """What the tensors in the conditions on tiles are."""
        kinds = {buffer.name: buffer.dtype.kind for buffer in self.captured}
        return Scope({r.name: r for r in self.ranges}, kinds)
