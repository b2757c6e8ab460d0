"""What is measured on a GPU: six attentions as diagrams, and how much work each one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

WINDOW = 1024
DOCUMENT = 2048
CAP = 50.0
HIDDEN = 2048  # heads times head dim
TOKENS = 16384  # batch times length, as far as the length allows
HEAD_DIMS = (128, 64, 256)
LENGTHS = (8192, 2048, 32768, 1024, 4096, 16384)
"""The most telling first: what the time does not allow is left out from the end."""

DIAGRAM = """
flowchart TD
    Q(["Q : bf16[B, H, N, D]"]) & K(["K : bf16[B, H, N, D]"]) --> S[MatMul] --> T[Scale]
    {steps}
    P[Softmax] & V(["V : bf16[B, H, N, D]"]) --> O[MatMul]
"""


@dataclass(frozen=True)
class Kind:
    """An attention: what stands between its scale and its softmax, and how many scores it keeps.

    `causal` says whether the mask is k <= q and no more, which every library knows.
    """

    name: str
    steps: str
    scores: Callable[[int], float]
    causal: bool = False
    plain: bool = False

    @property
    def diagram(self) -> str:
        """The file that is compiled."""
        return DIAGRAM.format(steps=self.steps)


def half(length: int) -> float:
    """Half of the scores, as everyone counts causal attention."""
    return length * length / 2


def in_window(length: int) -> float:
    """The keys from WINDOW before a query up to itself, fewer for the first queries."""
    inside = min(length, WINDOW)
    return length * inside - inside * (inside - 1) / 2


def in_documents(length: int) -> float:
    """All pairs within documents of DOCUMENT tokens."""
    whole, rest = divmod(length, DOCUMENT)
    return float(whole * DOCUMENT**2 + rest**2)


KINDS = (
    Kind("causal", 'T --> M["Mask: k <= q"] --> P', half, causal=True, plain=True),
    Kind("full", "T --> P", lambda length: float(length * length), plain=True),
    Kind("window", f'T --> M["Mask: k <= q and q - k < {WINDOW}"] --> P', in_window),
    Kind(
        "documents",
        'doc(["doc : i32[B, N]"]) --> M\n    T --> M["Mask: doc[b, q] == doc[b, k]"] --> P',
        in_documents,
    ),
    Kind(
        "ALiBi",
        'slope(["slope : f32[H]"]) --> A\n    T --> A["Score: s - slope[h] * (q - k)"] '
        '--> M["Mask: k <= q"] --> P',
        half,
    ),
    Kind(
        "soft cap",
        f'T --> A["Score: {CAP} * tanh(s / {CAP})"] --> M["Mask: k <= q"] --> P',
        half,
    ),
)


@dataclass(frozen=True)
class Case:
    """One kind at one size."""

    kind: Kind
    head_dim: int
    length: int

    @property
    def batch(self) -> int:
        """As many sequences as make TOKENS tokens."""
        return max(1, TOKENS // self.length)

    @property
    def heads(self) -> int:
        """As many as make HIDDEN numbers a token."""
        return HIDDEN // self.head_dim

    @property
    def flops(self) -> float:
        """Two products of queries, kept keys and the head dim, an addition and a product each."""
        return 4 * self.batch * self.heads * self.kind.scores(self.length) * self.head_dim

    def __str__(self) -> str:
        return f"{self.kind.name}, D={self.head_dim}, N={self.length}"


def cases() -> Iterator[Case]:
    """All, the most telling first."""
    for length in LENGTHS:
        for head_dim in HEAD_DIMS:
            for kind in KINDS:
                yield Case(kind, head_dim, length)
