"""What the tool says about a diagram, and where.

In: a place in a source text and what is to be said of it. Out: `Diagnostic` values, and their
text with the source line and carets under the exact span.
"""

from attn_dsl.diagnostics.diagnostic import Diagnostic, DiagnosticError, Note, Severity, worst
from attn_dsl.diagnostics.nearest import LIKENESS, nearest
from attn_dsl.diagnostics.report import render
from attn_dsl.diagnostics.span import Source, Span

__all__ = [
    "LIKENESS",
    "Diagnostic",
    "DiagnosticError",
    "Note",
    "Severity",
    "Source",
    "Span",
    "nearest",
    "render",
    "worst",
]
