"""What drawings can say: no word has two meanings, and every example runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from attn_dsl.catalog import Entry, entries, find
from attn_dsl.catalog_text import LEFT, RIGHT, details, table
from attn_dsl.cli import main
from attn_dsl.diagnostics import Source
from attn_dsl.pipeline import analyse, read
from attn_dsl.semantics.labels import read_label
from attn_dsl.semantics.vocabulary import find_module, nearest_words, normal, singular
from attn_dsl.syntax import Diagram, parse

ENTRIES = entries()
DRAWN = [entry for entry in ENTRIES if entry.kind != "role"]


def words() -> Iterator[tuple[str, str]]:
    """Each word as it is compared, with the name of its entry."""
    for entry in ENTRIES:
        own = [word for word in entry.words if "EXPR" not in word]
        for word in (*own, *([entry.name] if entry.kind != "role" and own else ())):
            yield from {(normal(word), entry.name), (singular(normal(word)), entry.name)}


def test_no_word_names_two() -> None:
    meanings: dict[str, set[str]] = {}
    for word, name in words():
        meanings.setdefault(word, set()).add(name)
    assert {word: names for word, names in meanings.items() if len(names) > 1} == {}
    assert "" not in meanings


def test_no_word_stands_twice() -> None:
    for entry in ENTRIES:
        assert len(set(map(str.lower, entry.words))) == len(entry.words), entry.name


def drawn(labels: list[str]) -> Diagram:
    """A diagram with a node for each label."""
    nodes = [f'    node{i}_["{label}"]' for i, label in enumerate(labels)]
    return parse(Source("words", "\n".join(["flowchart TD", *nodes, ""])))


def test_words_are_read_from_labels() -> None:
    named = [(word.replace("EXPR", "2"), entry) for entry in DRAWN for word in entry.words]
    nodes = drawn([word for word, _ in named]).nodes.values()
    for (word, entry), node in zip(named, nodes, strict=True):
        meaning = read_label(node.label, [])
        name = meaning.op.mnemonic if meaning.op is not None else meaning.module
        assert name == entry.name, word


@pytest.mark.parametrize("entry", DRAWN, ids=lambda entry: entry.name)
def test_example_runs(entry: Entry) -> None:
    text = f"flowchart TD\n    {entry.example}\n"
    statements = analyse(read(text)).drawn.statements
    if entry.kind == "operation":
        assert entry.name in [statement.op.mnemonic for statement in statements]
    else:
        assert any(find_module(n.label.text) == entry.name for n in parse_text(text).nodes.values())


def parse_text(text: str) -> Diagram:
    return parse(Source("example", text))


def test_table_shows_everything_on_lines_that_fit() -> None:
    text = table(ENTRIES)
    assert max(map(len, text.splitlines())) <= LEFT + RIGHT
    assert all(f"\n  {entry.name} " in text and entry.meaning for entry in ENTRIES)


def test_details_of_a_word() -> None:
    text = details(find("Layer Normalization"))
    assert text.startswith("layer_norm: operation\n")
    assert "centred = x - x.mean(axis=-1, keepdims=True)" in text
    assert "parameters  gain, bias" in text


def test_command() -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["ops", *arguments])
        assert result.exit_code == 0
        return result.stdout

    assert run() == table(ENTRIES)
    assert run("Add & Norm") == details(find("add_norm"))
    assert [json.loads(line)["name"] for line in run("--json").splitlines()] == [
        entry.name for entry in ENTRIES
    ]


def test_command_helps_with_what_it_does_not_know() -> None:
    result = CliRunner().invoke(main, ["ops", "sofmax"])
    assert result.exit_code == 1
    assert "did you mean `Softmax`?" in result.stderr


def test_one_word_is_proposed_for_an_operation() -> None:
    assert nearest_words("sofmax") == ["Softmax"]
