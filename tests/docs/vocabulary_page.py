"""The page docs/vocabulary.md: what drawings can say, and where the words come from."""

from __future__ import annotations

from collections.abc import Iterator

from sources import SOURCES

from attn_dsl.catalog import Entry, entries
from attn_dsl.semantics.vocabulary import normal, singular

INTRODUCTION = """# The vocabulary

A label says what a node does if, as a whole, it is one of these words: upper and lower case,
punctuation, `<br>`, the plural and a number or letter at the end do not count, so `Linear`,
`linear 2`, `Multi-Head <br> Attention` and `Keys` are all understood. `@{ op: softmax }` says the
same under any label. The same words may stand on an arrow, for what is done on the way. A Linear
may say what it is for: `Linear Q1`, `Projection K`.

`attn ops` prints this table, and `attn ops NAME` all that is known of one entry, with an example.
A letter in brackets is a source, listed at the end, in which that word was found.
"""
TITLES = {
    "operation": (
        "Operations",
        "What flows in along arrows, then constants. EXPR is an expression.",
    ),
    "module": (
        "Modules",
        "Diagrams of the library, which are used inside yours: `attn_dsl/library/`.",
    ),
    "role": (
        "Roles",
        "Words for what a value is. They name no operation: a node with one arrow in passes it on.",
    ),
}


def page() -> str:
    """The text of the page."""
    lines = [INTRODUCTION]
    for kind, (title, introduction) in TITLES.items():
        lines += [f"## {title}\n", f"{introduction}\n", *_table(kind), ""]
    lines += ["## Sources\n", *_sources()]
    return "\n".join(lines) + "\n"


def _table(kind: str) -> Iterator[str]:
    yield "| name | takes | meaning | words |"
    yield "|---|---|---|---|"
    for entry in entries():
        if entry.kind == kind:
            takes = ", ".join((*entry.operands, *entry.attributes))
            words = ", ".join(map(_with_sources, entry.words))
            cells = (f"`{entry.name}`", takes, entry.meaning, words)
            yield (
                "| "
                + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells)
                + " |"
            )


def _with_sources(word: str) -> str:
    letters = [
        letter for letter, source in SOURCES.items() if _key(word) in map(_key, source.words)
    ]
    return f"{word} [{', '.join(letters)}]" if letters else word


def _key(word: str) -> str:
    return singular(normal(word))


def _sources() -> Iterator[str]:
    for letter, source in SOURCES.items():
        year = f", {source.year}" if source.year else ""
        yield f"- [{letter}] {source.author}: *{source.title}*{year}. <{source.address}>"


def entry_of(word: str) -> Entry | None:
    """The entry that lists a word, in whatever spelling."""
    return next((e for e in entries() if _key(word) in map(_key, e.words)), None)
