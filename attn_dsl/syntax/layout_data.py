"""The layout of YAML: `@{ … }` blocks and front matter. The values' own text is kept."""

from __future__ import annotations

import re
from textwrap import dedent

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax.diagram import Metadata, Text
from attn_dsl.syntax.metadata import read_block, read_yaml
from attn_dsl.syntax.prepare import prepare
from attn_dsl.syntax.unplaced import unplaced

KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s:"']+)[^\S\n]*:[^\S\n]+(?P<value>.+)""", re.DOTALL)


def lay_out_data(body: str, indent: str, step: str) -> str:
    """`@{ body }` of a statement that stands at `indent`, inner lines one `step` further in."""
    before = _block(body)
    lines = dedent(body.strip("\n")).split("\n")
    inner = "".join(f"\n{indent + step}{line}".rstrip() for line in lines)
    candidates = [_entries(body, before)] if "\n" not in body else [f"{inner.rstrip()}\n{indent}"]
    candidates.append(f" {body.strip()} ")
    return "@{" + next((c for c in candidates if _equal(_block(c), before)), body) + "}"


def lay_out_front_matter(body: str) -> list[str]:
    """The lines of front matter, without what trails on them."""
    stripped = "\n".join(line.rstrip() for line in body.split("\n"))
    lines = stripped.strip("\n").split("\n")
    same = _equal(_front("\n".join(lines)), _front(body))
    return lines if same else body.split("\n")


def _entries(body: str, data: Metadata | None) -> str:
    """One line, a single space after each colon and comma between the entries."""
    entries = [span.text for span in data.spans.values()] if data else [body.strip()]
    spaced = [KEY.sub(r"\g<key>: \g<value>", entry, count=1) for entry in entries]
    return f" {', '.join(spaced)} "


def _block(body: str) -> Metadata | None:
    prepared = prepare("@{" + body)[2:-1]  # a comment begins a line, and here none begins
    try:
        return read_block(Text(prepared, Source("", prepared).whole))
    except DiagnosticError:
        return None


def _front(body: str) -> Metadata | None:
    try:
        return read_yaml(Source("", body).whole)
    except DiagnosticError:
        return None


def _equal(one: Metadata | None, other: Metadata | None) -> bool:
    return one is not None and other is not None and unplaced(one) == unplaced(other)
