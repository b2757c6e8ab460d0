"""JSON and back: the object of `attn parse --json` loses nothing of a drawing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flowcharts import flowcharts, sharing
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layout import recorded

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.ir import to_text
from attn_dsl.pipeline import analyse, read
from attn_dsl.syntax import (
    Diagram,
    find_blocks,
    format_text,
    from_json,
    parse,
    read_document,
    to_json,
)

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.attn"))
NOTES = (ROOT / "examples" / "attention.md").read_text(encoding="utf-8")
BLOCKS = [NOTES[block.start : block.end] for block in find_blocks(NOTES)]
GIVEN: list[dict[str, int]] = [{}, {}, {"heads": 2}, {"heads": 2, "N": 2}]
HEAD = "flowchart TD\n"
NESTED = json.loads('{"a": ' * 900 + "[1]" + "}" * 900)


def drawn(text: str) -> Diagram:
    return parse(Source("x", text))


def record(text: str) -> Any:
    """What a program gets that reads the output of `attn parse --json`."""
    return json.loads(json.dumps(to_json("x", drawn(text)), allow_nan=False))


def unordered(found: Any) -> Any:
    """A record with its nodes and members sorted: mermaid has them by their first mention."""
    nodes = sorted(found["nodes"], key=lambda node: str(node["id"]))
    subgraphs = [{**group, "nodes": sorted(group["nodes"])} for group in found["subgraphs"]]
    return {**found, "nodes": nodes, "subgraphs": subgraphs}


def homes(diagram: Diagram) -> dict[str, str | None]:
    """The subgraph that declares each node, and the one around each subgraph."""
    subgraphs = {f"subgraph {s.id}": s.parent for s in diagram.subgraphs}
    ids = {subgraph.id for subgraph in diagram.subgraphs}
    return subgraphs | {n.id: n.subgraph for n in diagram.nodes.values() if n.id not in ids}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_there_and_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = record(text)
    again = from_json(found)
    assert unordered(record(again)) == unordered(found)
    assert homes(drawn(again)) == homes(drawn(text))
    assert format_text(Source("x", again)) == again


@pytest.mark.parametrize(("text", "given"), list(zip(BLOCKS, GIVEN, strict=True)))
def test_drawings_of_the_notes_mean_the_same(text: str, given: dict[str, int]) -> None:
    again = from_json(record(text))
    assert unordered(record(again)) == unordered(record(text))
    assert homes(drawn(again)) == homes(drawn(text))
    before, after = (analyse(read(t), given) for t in (text, again))
    assert to_text(after.fused) == to_text(before.fused)


@settings(deadline=None, max_examples=200)
@given(flowcharts | sharing)
def test_any_flowchart_there_and_back(text: str) -> None:
    try:
        found = record(text)
    except DiagnosticError:
        return
    assert record(format_text(Source("x", text))) == found
    again = from_json(found)
    assert unordered(record(again)) == unordered(found)
    assert homes(drawn(again)) == homes(drawn(text))


def test_recorded_cases_there_and_back() -> None:
    """But for ids that mermaid takes for something else where a line begins with them."""
    texts = recorded()
    refused = kept = 0
    for text in texts:
        found = record(text)
        try:
            again = from_json(found)
        except DiagnosticError as error:
            refused += "cannot be an id, or not everywhere" in str(error)
            continue
        assert unordered(record(again)) == unordered(found)
        assert homes(drawn(again)) == homes(drawn(text))
        kept += 1
    assert kept + refused == len(texts)
    assert refused <= 4


LINES = [
    'A["a #quot;b#quot; #35;1; &amp;lt; #lt;b#gt; a & b"] --> B["`**md** x`"]',
    'A["one<br>two<br/>three"] --> B["<b>bold</b> <i>open"]',
    'A["two\nlines"] -- "a\nb" --> B',
    'A["Mask: k<q"] -->|"k<b"| B',
    'A["x %% y"] --> B["%%{init}%%"]',
    'A["#100;irection LR"] --> B["#115;tyle a:#35;b;c"]',
    'A["#nbsp;x#32;"] --> B[" "] --> C["#96;#96;"]',
    "A --> default --> End --> a.b --> λ --> x --> o --> v",
    "A(-o-) --> B[/s/] --> C[\\t\\] --> D[/u\\] --> E[\\v/] --> F>w] --> G[|a:b|y]",
    "A[(a)] --> B[[b]] --> C((c)) --> D(((d))) --> E{e} --> F{{f}} --> G([g])",
    "A@{ shape: lin-cyl } --> B@{ shape: stadium } --> C@{ shape: rect }\nC(c)",
    "A@{ label: l }\nA[m] --> B[x]@{ label: y } --> C@{ icon: 'fa:x' } --> D@{ img: u, label: z }",
    "A@{\n  a:\n    b: [x, y]\n  d:\n    -\n      e: f\n  g: >\n    two\n    lines\n}",
    'A@{ a: "} ^", b: \'<x\', c: "direction LR", "d e": null, f: -1, g: 1e3, h: true, i: [] }',
    "A -.- B ==> C === D --o E --x F <--> G o--o H x--x I <-.-> J o==o K ~~~ L -.-x M",
    "A e1@--> B & C\ne1@{ role: lhs, animate: true }\nL_A_C_0@{ role: rhs }\nA --> B --> A",
    "subgraph S\nA e1@--> B\ne1@{ animate: true }\nend",
    'subgraph S["a #lt;b#gt;"]\ndirection LR\nA --> B\nend\nS@{ repeat: 3 }\nA --> S --> T',
    "subgraph two words\nA\nend\nsubgraph One\nB\nend\nsubgraph \"a<b\"\nC\nend\nD",
    'subgraph P\nsubgraph S["t"]\nA\nend\nsubgraph T\nB\nend\nC --> A\nend',
    "A:::hot\nsubgraph A\nB\nend\nA@{ repeat: 2 }\nclass A cold",
    "subgraph A\nB\nend\nclass A hot\nA[x]\nclass A cold\nsubgraph A\nend\nclass A hot",
    "A@{ op: x, shape: hex }\nsubgraph A\nA --> B\nend\nA@{ op: y }\nA --> B",
    "A@{ label: L }\nA[m]\nA@{ shape: hex }",
    "A[a]\nsubgraph S\nB --> A\nsubgraph T\nA --> C\nend\nend\nB --> C",
    "subgraph P\nA\nsubgraph S\nB --> A\nend\nend\nsubgraph Q\nS --> C\nend",
    "subgraph S\nsubgraph S\nA\nend\nB\nend\nsubgraph T\nend",
    "A:::hot --> B\nclassDef hot fill:#f00,stroke:a\\,b\nstyle B fill:#fff\n"
    "linkStyle default stroke:#333\nlinkStyle 0 stroke:#333\nsubgraph S\nC\nend\nclass A,S cold",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_every_kind_of_thing(line: str) -> None:
    found = record(f"{HEAD}{line}\n")
    again = from_json(found)
    assert unordered(record(again)) == unordered(found)
    assert homes(drawn(again)) == homes(drawn(f"{HEAD}{line}\n"))
    assert format_text(Source("x", again)) == again


pieces = [*"ab \"#&<>;`%{}[]()|@=:/\\'\n√\u00a0\t", "lt", "direction TB", "style", "</b>"]
labels = st.lists(st.sampled_from(pieces), max_size=12).map("".join)


@settings(deadline=None, max_examples=200)
@given(labels, labels, labels)
def test_any_text_in_any_place(label: str, title: str, value: str) -> None:
    """What a program writes stays as it is: no text is taken for syntax."""
    given = {
        "title": title,
        "nodes": [{"id": "A", "text": label, "data": {"note": value, title: [value]}}],
        "edges": [{"from": "A", "to": "B", "text": title}],
        "subgraphs": [{"id": "S", "title": label, "nodes": ["B"]}],
    }
    found = record(from_json(given))
    assert (found.get("title", ""), found["nodes"][0]["data"]) == (title, given["nodes"][0]["data"])
    shown = found["nodes"][0]["text"], found["edges"][0]["text"], found["subgraphs"][0]["title"]
    assert shown == (label, title, label)


def test_a_label_that_mermaid_cuts_keeps_its_meaning() -> None:
    text = f'{HEAD}Q & K --> S[MatMul] --> M["Mask: k<q"] --> W[Softmax]\nW & V --> O[MatMul]\n'
    found = record(text)
    assert next(n["text"] for n in found["nodes"] if n["id"] == "M") == "Mask: k"
    before, after = (analyse(read(t)) for t in (text, from_json(found)))
    assert to_text(after.fused) == to_text(before.fused)


def test_what_is_left_out_has_its_default() -> None:
    given = {
        "nodes": [{"id": "x", "text": "x : f32[N, M]"}],
        "edges": [{"from": "x", "to": "y"}],
        "subgraphs": [{"id": "S", "nodes": ["y"]}],
    }
    assert from_json(given) == (
        'flowchart TB\n    x["x : f32[N, M]"]\n    subgraph S\n        y\n    end\n    x --> y\n'
    )


def test_a_file_of_json_is_read_as_its_flowchart(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(record(f"{HEAD}A[x] --> B\n")))
    block = read_document(str(path))
    assert block.source.text == 'flowchart TB\n    A["x"]\n    B\n    A --> B\n'
    assert block.source.name == f"{path} as a flowchart"
    for content in (
        "",
        "[",
        "[" * 100_000,
        "{}\n{}",
        "[1]",
        '{"nodes": [{"id": "\\ud800"}], "edges": []}',
        "\ud800".encode("utf-8", "surrogatepass"),
    ):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(DiagnosticError) as caught:
            read_document(str(path))
        str(caught.value).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ok": False, "error": "x"}, "it says that a file could not be read"),
        ({"nodes": 1}, "`nodes` has to be a list"),
        ({"nodes": [1]}, "`nodes[0]` has to be an object"),
        ({"nodes": [{"id": 1}]}, "`nodes[0].id` has to be a text"),
        ({"nodes": [{"id": "A", "shape": "nope"}]}, "`nodes[0].shape` has to be the name of a"),
        ({"nodes": [{"id": "A", "shape": []}]}, "`nodes[0].shape` has to be the name of a"),
        ({"nodes": [{"id": "A", "data": []}]}, "`nodes[0].data` has to be an object, nested"),
        ({"nodes": [{"id": "A", "data": NESTED}]}, "`nodes[0].data` has to be an object, nested"),
        ({"attn": NESTED}, "`attn` has to be an object, nested 50 deep at most"),
        ({"nodes": [{"id": "A", "subgraph": 3}]}, "`nodes[0].subgraph` has to be the number of a"),
        ({"nodes": [{"id": "A"}, {"id": "A"}]}, "there are two nodes `A`"),
        ({"nodes": [{"id": "A", "data": {"a": {}}}]}, "the box `A` would be another one"),
        ({"nodes": [{"id": "end"}]}, "`end` cannot be an id, or not everywhere"),
        ({"nodes": [{"id": "a b"}]}, "`a b` cannot be an id, or not everywhere"),
        ({"edges": [{"from": "A"}]}, "`edges[0].to` is missing"),
        ({"edges": [{"from": "A", "to": "B", "arrow": "x"}]}, "`edges[0].arrow` has to be one of"),
        ({"edges": [{"from": "A", "to": "B", "id": "a b"}]}, "`a` is not expected after a box"),
        ({"subgraphs": [{"id": "S"}]}, "`subgraphs[0].nodes` is missing"),
        ({"subgraphs": [{"id": "S", "nodes": [], "parent": 0}]}, "stand in one another"),
        (
            {"subgraphs": [{"id": "S", "nodes": ["T"]}, {"id": "T", "nodes": ["S"]}]},
            "stand in one another",
        ),
        (
            {"subgraphs": [{"id": "S", "nodes": ["A"]}, {"id": "T", "nodes": ["A"]}]},
            "the subgraph `T` would have other members",
        ),
        ({"direction": "up"}, "`direction` has to be one of TB"),
        ({"styles": {"A": "x"}}, "`styles` has to be an object of lists of texts"),
    ],
)
def test_what_is_no_diagram(change: Any, message: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        from_json({"nodes": [], "edges": [], **change}, "a.json")
    (first, *_) = caught.value.diagnostics
    assert first.code == "E027"
    assert "`a.json`" in first.message
    assert message in first.message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (".nan", None),
        ("-.inf", None),
        ("0x10", 16),
        ("1e999", "1e999"),
        ("9" * 400, int("9" * 400)),
    ],
)
def test_values_that_json_has_not(written: str, value: Any) -> None:
    """They are what JavaScript would make of them, and never a crash."""
    assert record(f"{HEAD}A@{{ a: {written} }}\n")["nodes"][0]["data"]["a"] == value
