"""Fuzzing, guided by coverage, of what reads files: nothing but a diagnostic may be raised.

    pip install atheris
    python tests/fuzz.py {flowchart,metadata,expression,diagram} [SECONDS]

`flowchart` reads, lays out and reads again; `metadata` reads what stands in `@{ … }` and in front
matter; `expression` masks and equations; `diagram` goes all the way to NumPy. It begins with the
examples. A text that ends it is written beside it, and becomes a case of the tests.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["attn_dsl", "attn_numpy"]):
    from attn_dsl.diagnostics import DiagnosticError, Source
    from attn_dsl.expr import ExpressionError, to_text
    from attn_dsl.expr import parse as parse_expression
    from attn_dsl.pipeline import analyse, lower
    from attn_dsl.syntax import Block, format_text, parse

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGEST = 2000
"""Characters of a text."""


def flowchart(text: str) -> None:
    """Laid out, it is the same once more."""
    try:
        once = format_text(Source("x", text))
    except DiagnosticError:
        return
    assert format_text(Source("x", once)) == once, text


def metadata(text: str) -> None:
    """What is no data is a diagnostic."""
    for around in (f"flowchart TD\nA@{{ {text} }}\n", f"---\n{text}\n---\nflowchart TD\nA\n"):
        try:
            parse(Source("x", around))
        except DiagnosticError:
            continue


def expression(text: str) -> None:
    """What is read is written so that it is read again as the same."""
    for equation in (False, True):
        try:
            expr = parse_expression(text, equation=equation)
        except ExpressionError:
            continue
        assert parse_expression(to_text(expr), equation=equation) == expr, text


def diagram(text: str) -> None:
    """What is accepted is emitted, and what is emitted is Python."""
    try:
        compiled = analyse(Block(Source("x", text), 0, len(text), "x"))
        program = lower(compiled, "numpy")
    except DiagnosticError:
        return
    compile(program.source, "x", "exec")


TARGETS: dict[str, Callable[[str], None]] = {
    "flowchart": flowchart,
    "metadata": metadata,
    "expression": expression,
    "diagram": diagram,
}


def main() -> None:
    """Fuzz one target for some seconds."""
    target, *seconds = sys.argv[1:]
    run = TARGETS[target]

    def one(data: bytes) -> None:
        run(data.decode("utf-8", errors="ignore"))

    with tempfile.TemporaryDirectory() as corpus:
        for number, file in enumerate(sorted(EXAMPLES.rglob("*.attn"))):
            (Path(corpus) / str(number)).write_bytes(file.read_bytes()[:LONGEST])
        limits = [f"-max_total_time={(seconds or ['60'])[0]}", f"-max_len={LONGEST}", "-timeout=10"]
        atheris.Setup([sys.argv[0], *limits, corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
