"""The differences that stay, and why; `docs/mermaid.md` tells them to users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compare import Case


@dataclass(frozen=True)
class Explained:
    """A kind of difference with its reason; `applies` to a case that differs in the kind."""

    name: str
    reason: str
    applies: Callable[[Case, str], bool]


EXPLAINED: tuple[Explained, ...] = ()


def explain(case: Case, kind: str) -> Explained | None:
    """Why `case` differs in `kind`; None where nobody has said so yet."""
    return next((known for known in EXPLAINED if known.applies(case, kind)), None)
