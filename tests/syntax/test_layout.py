"""The canonical layout: what it looks like, and that it never changes what is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flowcharts import flowcharts
from hypothesis import given, settings

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import format_text, parse
from attn_dsl.syntax.encoding import plain_lines
from attn_dsl.syntax.layout import lay_out
from attn_dsl.syntax.prepare import find_comments, find_front_matter
from attn_dsl.syntax.unplaced import unplaced

CASES = Path(__file__).parent / "cases"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.attn"))
AUTHORED = """\
---
title: T   
attn:
  dims: {N: 4}
---
%%{init: {"theme":"dark"}}%%


%% top
graph   LR;A[x]-->|  a b |B;   B--text-->C&D;;
  subgraph   S ["t"]

%% inside
 Q@{shape: rect,op:   matmul}
     %% last
 end
subgraph "Two words"
direction  TB;
S1([ kept ])  e1@<-- " kept " -->X[/"y"\\]


end


K@{
 op: x
 type: "f16[B]"}
A -->
  %% why
 Z:::hot
style A fill:#fff;
linkStyle  0 stroke:#333
click  A  href "https://x.org"
"""  # noqa: W291
CANONICAL = """\
---
title: T
attn:
  dims: {N: 4}
---
%%{init: {"theme":"dark"}}%%

%% top
graph LR
    A[x] -->|a b| B
    B -- text --> C&D
    subgraph S["t"]
        %% inside
        Q@{ shape: rect, op: matmul }
        %% last
    end
    subgraph "Two words"
        direction TB
        S1([ kept ]) e1@<-- " kept " --> X[/"y"\\]
    end

    K@{
        op: x
        type: "f16[B]"
    }
    A -->
        %% why
        Z:::hot
    style A fill:#fff
    linkStyle 0 stroke:#333
    click A href "https://x.org"
"""


def recorded() -> list[str]:
    cases = [c for path in CASES.glob("*.json") for c in json.loads(path.read_text("utf-8"))]
    return [c["text"] for c in cases if c.get("ok", c.get("mermaid", {}).get("ok")) and "text" in c]


def meaning(text: str) -> object:
    return unplaced(parse(Source("x", text)))


def comments(text: str) -> list[str]:
    """The comments and directives of a text, sorted: one may move before the other."""
    front = find_front_matter(text)
    body = text[front.end() :] if front else text
    return sorted(body[start:end].strip() for start, end in find_comments(body))


def test_the_canonical_layout() -> None:
    authored = AUTHORED.replace("linkStyle  0", "linkStyle 0").replace("click  A  h", "click  A h")
    assert format_text(Source("x", authored)) == CANONICAL


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_text(Source("x", text)) == text


def test_recorded_cases_mean_the_same() -> None:
    """But for a box `%%x` and a title's `end` before a semicolon: they need it, and stay."""
    texts = recorded()
    assert len(texts) > 200
    kept = [text for text in texts if meaning(lay_out(plain_lines(text))) != meaning(text)]
    assert len(kept) <= 2
    for text in texts:
        formatted = format_text(Source("x", text))
        assert format_text(Source("x", formatted)) == formatted
        assert meaning(formatted) == meaning(text)


@settings(deadline=None, max_examples=60)
@given(flowcharts)
def test_any_flowchart_means_the_same_and_is_laid_out_once(text: str) -> None:
    try:
        before = meaning(text)
    except DiagnosticError:
        with pytest.raises(DiagnosticError):
            format_text(Source("x", text))
        return
    laid_out = lay_out(text)
    assert meaning(laid_out) == before
    assert lay_out(laid_out) == laid_out
    assert comments(laid_out) == comments(text)


def test_meaning_sees_what_changes() -> None:
    """Else the tests above would pass on anything."""
    plain = meaning("flowchart TD\nsubgraph S\nA@{ n: 1 } --> B\nend\n")
    for text in ("A@{ n: 1 } --- B", "A@{ n: true } --> B", "B\nA@{ n: 1 } --> B"):
        assert meaning(f"flowchart TD\nsubgraph S\n{text}\nend\n") != plain
    assert meaning("flowchart TD\nsubgraph  S\nA@{n:   1}-->B;end") != plain  # mermaid counts it up


def test_a_text_that_a_line_of_its_own_would_change_stays() -> None:
    text = "flowchart TD;  A;%% --> B\n"
    assert format_text(Source("x", text)) == text


def test_a_block_keeps_the_margin_of_its_fence() -> None:
    before = "- item\n  ```mermaid\n"
    text = before + "  flowchart TD\n    A-->B\n  ```\n"
    formatted = format_text(Source("x", text), len(before), len(text) - len("  ```\n"))
    assert formatted == "  flowchart TD\n      A --> B\n"


def test_a_statement_that_indented_would_be_a_direction() -> None:
    text = 'flowchart TD\nclick A "direction LR"\n'
    assert format_text(Source("x", text)) == text


def test_windows_line_ends() -> None:
    assert format_text(Source("x", "flowchart TD\r\n\r\n  A-->B")) == (
        "flowchart TD\n\n    A --> B\n"
    )


def test_what_nests_deeply_is_not_indented_ever_further() -> None:
    text = "flowchart\n" + "subgraph S\n" * 2_000 + "A\n" + "end\n" * 2_000
    formatted = format_text(Source("x", text))
    assert max(map(len, formatted.split("\n"))) == 4 * 100 + len("subgraph S")
    assert format_text(Source("x", formatted)) == formatted
