"""One thing to say about a source, and the exception that carries several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from attn_dsl.diagnostics.span import Span


class Severity(IntEnum):
    """How much a diagnostic matters: only an error stops the run."""

    NOTE = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Note:
    """A second place that explains the first, such as "declared here"."""

    span: Span
    label: str


@dataclass(frozen=True)
class Diagnostic:
    """A message about `span`.

    `code` is stable from one release to the next (`E012`, `W003`). `label` stands beside the
    carets. `notes` point at other places; `help` says what to do, where that is known.
    `span` is None only where there is no text to point at, as for a file that is not there.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: Severity = Severity.ERROR


class DiagnosticError(Exception):
    """A stage could not go on; `diagnostics` holds everything that it found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(d.message for d in self.diagnostics))


def worst(diagnostics: Iterable[Diagnostic]) -> Severity:
    """The highest severity among `diagnostics`, NOTE when there are none."""
    return max((d.severity for d in diagnostics), default=Severity.NOTE)
