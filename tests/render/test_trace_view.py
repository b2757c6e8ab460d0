"""--view trace: every number stands where it belongs, in every format, and bad options are said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import NDArray, examples

from attn_dsl.cli import main
from attn_dsl.ir import Graph
from attn_dsl.pipeline import analyse, read
from attn_dsl.render import Picture, Theme, encode, palette
from attn_dsl.render.canvas import Canvas, Group, Item, Label, Rect, flat, text_width
from attn_dsl.render.labels import printable
from attn_dsl.render.trace import trace_attention, trace_picture
from attn_dsl.render.trace.blocks import block_sizes, by_blocks
from attn_dsl.render.trace.hatch import grounds, strokes
from attn_dsl.render.trace.numbers import brief, components, number, written
from attn_dsl.render.trace.sequence import spelled
from attn_dsl.render.trace.tokens import Tokens, fit_tokens
from attn_dsl.sample import default_sizes, sample_inputs

EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = Path(__file__).parent / "cases"
CAUSAL = str(EXAMPLES / "causal.attn")
SINKS = str(EXAMPLES / "variants" / "attention_sinks.attn")
SIGMOID = str(EXAMPLES / "variants" / "sigmoid.attn")
WORDS = ("The", "cat", "sat", "down")
HOSTILE = ('<script>alert("1")</script>', "a & b; c#35;", "new\nline --> x", "end")
SVG = "{http://www.w3.org/2000/svg}"
Golden = Callable[[Path, str], None]


def canvas_of(file: str, settings: Mapping[str, int], **options: Any) -> Canvas:
    drawn = picture_of(file, settings, **options).drawn
    assert isinstance(drawn, Canvas)
    return drawn


def picture_of(file: str, settings: Mapping[str, int], **options: Any) -> Picture:
    return trace_picture(*graph_of(file, settings), **options)


def graph_of(file: str, settings: Mapping[str, int]) -> tuple[Graph, dict[str, NDArray]]:
    """What was fused, and the inputs that `attn run` draws."""
    return _graph_of(file, tuple(settings.items()))


@cache
def _graph_of(file: str, settings: tuple[tuple[str, int], ...]) -> tuple[Graph, dict[str, NDArray]]:
    compiled = analyse(read(file), dict(settings))
    sizes = default_sizes(compiled.fused, compiled.settings)
    return compiled.fused, sample_inputs(compiled.fused, sizes, 0)


def groups(items: tuple[Item, ...], kind: str) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            if item.kind == kind:
                yield item
            yield from groups(item.items, kind)


def texts(items: tuple[Item, ...]) -> list[str]:
    return [item.text for item in flat(items) if isinstance(item, Label)]


def test_golden(golden: Golden) -> None:
    """Four tokens, of which each sees those before it."""
    found = picture_of(CAUSAL, {"N": 4, "D": 4}, tokens=[WORDS])
    golden(CASES / "trace.svg", encode(found, "svg").decode())
    golden(CASES / "trace.mmd", encode(found, "mmd").decode())


@pytest.mark.parametrize("file", [CAUSAL, SINKS])
def test_each_arrow_has_its_number(file: str) -> None:
    graph, inputs = graph_of(file, {"N": 5, "D": 4})
    (trace,) = trace_attention(graph, inputs)
    drawn = trace_picture(graph, inputs).drawn
    assert isinstance(drawn, Canvas)
    scores = [texts(group.items) for group in groups(drawn.items, "score")]
    assert scores == [[number(x)] for x in trace.scores.ravel()]
    weights = [texts(g.items) for g in groups(drawn.items, "weight") if g.title.startswith("value")]
    assert weights == [[number(x)] for x in trace.weights.T.ravel()]
    cells = [texts(g.items) for g in groups(drawn.items, "weight") if g.title.startswith("query")]
    rows = trace.weights if trace.sink is None else np.c_[trace.weights, trace.sink]
    hidden = trace.hidden if trace.sink is None else np.c_[trace.hidden, np.zeros(5, bool)]
    wanted = zip(rows.ravel(), hidden.ravel(), strict=True)
    assert cells == [[] if unseen else [number(x)] for x, unseen in wanted]
    outputs = [texts(group.items)[1] for group in groups(drawn.items, "output")]
    assert outputs == [written(vector, 3) for vector in trace.output]
    assert texts(drawn.items).count("Weighted Sum") == 5


def test_what_it_says_of_a_pair() -> None:
    drawn = canvas_of(CAUSAL, {"N": 4, "D": 4}, tokens=[WORDS])
    titles = [group.title for group in groups(drawn.items, "score")]
    assert re.fullmatch(r"query sat → key cat: score −?[\d.]+, weight [\d.]+", titles[9])
    assert titles[1] == "query The → key cat: hidden by the mask, weight 0"


def test_links_say_what_belongs_together() -> None:
    drawn = canvas_of(CAUSAL, {"N": 3, "D": 4})
    for kind, links in {
        "query": "Q",
        "key": "K",
        "value": "V",
        "score": "O/scores O/mask",
        "sum": "O/values O",
        "output": "O/values O",
    }.items():
        assert {group.data["link"] for group in groups(drawn.items, kind)} == {links}
    found = {group.data["link"] for group in groups(drawn.items, "weight")}
    assert found == {"O/softmax", "O/softmax O/values"}
    heat = canvas_of(CAUSAL, {"N": 20, "D": 4}, head=(0, 1))
    assert [g.data["link"] for g in groups(heat.items, "score")] == ["O/scores O/mask"]
    assert [g.data["link"] for g in groups(heat.items, "weight")] == ["O/softmax"]


LONG = ["extraordinarily", "W" * 40, "a_b", "cat", "sat", "x"]


@pytest.mark.parametrize("tokens", [[], [LONG]], ids=["numbers", "tokens"])
@pytest.mark.parametrize("file", [CAUSAL, SINKS, SIGMOID], ids=lambda file: Path(file).stem)
@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_no_two_texts_meet(file: str, length: int, tokens: list[list[str]]) -> None:
    """And all of them lie in the picture."""
    chosen = [words[:length] for words in tokens]
    drawn = canvas_of(file, {"N": length, "D": 8}, tokens=chosen)
    boxes = [(item.text, *extent(item)) for item in flat(drawn.items) if isinstance(item, Label)]
    for text, left, top, right, bottom in boxes:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= drawn.width, text
        assert bottom <= drawn.height, text
    for (one, *a), (other, *b) in combinations(boxes, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)


def extent(label: Label) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the letters, in Helvetica's mean width."""
    wide = text_width(label.text, label.size) * 0.9
    part = {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor]
    left = label.x - part * wide
    return left, label.y - 0.75 * label.size, left + wide, label.y


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("length", [3, 9])
def test_every_format(theme: Theme, length: int) -> None:
    found = picture_of(SINKS, {"N": length, "D": 4, "H": 2})
    for format, signature in {
        "svg": b"<svg",
        "png": b"\x89PNG",
        "pdf": b"%PDF",
        "dot": b"digraph",
    }.items():
        data = encode(found, format, theme)
        assert data.startswith(signature)
        assert data == encode(found, format, theme)


@pytest.mark.parametrize("length", [4, 8])
def test_tokens_are_text_whatever_they_say(length: int) -> None:
    tokens = (HOSTILE * 2)[:length]
    found = picture_of(CAUSAL, {"N": length, "D": 4, "H": 1}, tokens=[tokens])
    for theme in Theme:
        data = encode(found, "svg", theme)
        assert b"<script" not in data
        said = [title.text or "" for title in ElementTree.fromstring(data).iter(f"{SVG}title")]
        for token in HOSTILE:
            assert any(f"query {printable(token)} → " in title for title in said)
    for format in ("png", "dot"):
        assert encode(found, format)


def test_a_token_has_no_indices() -> None:
    found = picture_of(CAUSAL, {"N": 2, "D": 4}, tokens=[["d_k", "K^T"]])
    root = ElementTree.fromstring(encode(found, "svg"))
    shown = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"d_k", "K^T"} <= set(shown)
    assert b"d_k" in encode(found, "dot")


# Mermaid

SAFE = r"(?:[^\W_]|[ .,\[\]()−∞…·=/]|#\d+;|<br/>)+"
LINES = (
    r"participant (?P<name>[qkv]\d|sum|out) as " + SAFE,
    r"Note over (?P<over>\w+),(?P<to>\w+): " + SAFE,
    r"(?P<source>\w+)(?P<arrow>->>|--x)(?P<target>\w+): (?P<text>" + SAFE + ")",
)


def parsed(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Participants and messages of a sequence diagram that has no other statements."""
    front, diagram = text.split("---\n")[1:]
    assert re.fullmatch(r'title: ".*"\n', front)
    header, *lines = diagram.splitlines()
    assert header == "sequenceDiagram"
    names: list[str] = []
    messages = []
    for line in lines:
        assert line.startswith("    ")
        found = [m for m in (re.fullmatch(pattern, line[4:]) for pattern in LINES) if m]
        assert len(found) == 1, line
        parts = found[0].groupdict()
        if "name" in parts:
            names.append(parts["name"])
        else:
            ends = {"over", "to"} if "over" in parts else {"source", "target"}
            assert {parts[end] for end in ends} <= set(names)
            messages += [parts] if "arrow" in parts else []
    return names, messages


@pytest.mark.parametrize("file", [CAUSAL, SINKS, SIGMOID], ids=lambda file: Path(file).stem)
def test_the_sequence_has_all_messages(file: str) -> None:
    graph, inputs = graph_of(file, {"N": 3, "D": 4})
    (trace,) = trace_attention(graph, inputs)
    names, messages = parsed(trace_picture(graph, inputs).mermaid)
    assert names == [f"{role}{at}" for role in "qkv" for at in range(3)] + ["sum", "out"]
    scores, weights = messages[:9], messages[9:]
    assert [(m["source"], m["target"]) for m in scores] == [
        (f"q{q}", f"k{k}") for q in range(3) for k in range(3)
    ]
    dashed = [m["arrow"] == "--x" for m in scores]
    assert dashed == trace.hidden.ravel().tolist()
    for message, score, hidden in zip(
        scores, trace.scores.ravel(), trace.hidden.ravel(), strict=True
    ):
        assert hidden or message["text"] == number(score)
    for q in range(3):
        *of_query, last = weights[4 * q : 4 * q + 4]
        assert [m["text"] for m in of_query] == [number(x) for x in trace.weights[q]]
        assert [m["source"] for m in of_query] == ["v0", "v1", "v2"]
        assert (last["source"], last["target"], last["text"]) == ("sum", "out", "Weighted Sum")


@given(tokens=st.lists(st.text(max_size=12), min_size=2, max_size=2))
@examples(30)
def test_any_token_is_safe_in_mermaid(tokens: list[str]) -> None:
    parsed(picture_of(CAUSAL, {"N": 2, "D": 4, "H": 1}, tokens=[tokens]).mermaid)


@given(st.text())
@examples(100)
def test_what_is_spelled_reads_as_the_text(text: str) -> None:
    found = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), spelled(text))
    assert found == text
    assert spelled("End") == "#69;#110;#100;"


# Heat maps


def test_each_head_has_its_map() -> None:
    drawn = canvas_of(CAUSAL, {"N": 9, "D": 4, "H": 3})
    assert [text for text in texts(drawn.items) if text.startswith("Head")] == [
        "Head 0",
        "Head 1",
        "Head 2",
    ]
    assert len(list(groups(drawn.items, "weight"))) == 3
    assert len(list(groups(drawn.items, "cell"))) == 3 * 81
    assert drawn.title == "Causal attention: O, heads 0 to 2 of 3, 9 queries × 9 keys"


def test_one_head_has_scores_and_weights() -> None:
    graph, inputs = graph_of(CAUSAL, {"N": 9, "D": 4})
    (trace,) = trace_attention(graph, inputs, head=(0, 5))
    drawn = trace_picture(graph, inputs, head=(0, 5)).drawn
    assert isinstance(drawn, Canvas)
    for kind, numbers in (("score", trace.scores), ("weight", trace.weights)):
        (of_map,) = groups(drawn.items, kind)
        shown = [texts(cell.items) for cell in groups(of_map.items, "cell")]
        wanted = zip(numbers.ravel(), trace.hidden.ravel(), strict=True)
        assert shown == [[] if hidden else [brief(x)] for x, hidden in wanted]


def test_small_heads_together_are_maps_too() -> None:
    drawn = canvas_of(CAUSAL, {"N": 3, "D": 4, "H": 2}, head=(0, None))
    assert "Head 1" in texts(drawn.items)


def test_no_more_than_16_heads_are_drawn() -> None:
    drawn = canvas_of(CAUSAL, {"N": 7, "D": 2, "H": 20})
    assert len(list(groups(drawn.items, "weight"))) == 16
    assert "heads 0 to 15 of 20" in drawn.title


def test_colour_grows_with_the_weight() -> None:
    graph, inputs = graph_of(CAUSAL, {"N": 9, "D": 4})
    (trace,) = trace_attention(graph, inputs)
    drawn = trace_picture(graph, inputs, head=(0, 0)).drawn
    assert isinstance(drawn, Canvas)
    (of_map,) = groups(drawn.items, "weight")
    cells = [cell.items[0] for cell in groups(of_map.items, "cell")]
    strengths = [cell.opacity for cell in cells if isinstance(cell, Rect)]
    np.testing.assert_allclose(strengths, np.sqrt(trace.weights.ravel() / trace.weights.max()))


def test_long_ones_are_drawn_by_blocks() -> None:
    drawn = canvas_of(CAUSAL, {"N": 300, "D": 2, "H": 1}, head=(0, 0))
    assert drawn.title.endswith("300 queries × 300 keys; a cell is the mean of 4 × 4")
    assert sum(1 for _ in flat(drawn.items)) < 20_000


@given(
    hidden=arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    block=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 99),
)
@examples(60)
def test_a_block_is_the_mean_of_what_is_seen(
    hidden: NDArray, block: tuple[int, int], seed: int
) -> None:
    graph, inputs = graph_of(CAUSAL, {"N": 2, "D": 2, "H": 1})
    (trace,) = trace_attention(graph, inputs)
    numbers = np.random.default_rng(seed).standard_normal(hidden.shape)
    whole = replace(
        trace,
        scores=np.where(hidden, -np.inf, numbers),
        weights=np.where(hidden, 0, np.abs(numbers)),
    )
    small = by_blocks(whole, block)
    for q, k in np.ndindex(small.scores.shape):
        place = tuple(slice(at * b, (at + 1) * b) for at, b in zip((q, k), block, strict=True))
        seen = ~hidden[place]
        assert small.hidden[q, k] == (not seen.any())
        if seen.any():
            assert small.scores[q, k] == pytest.approx(numbers[place][seen].mean())
            assert small.weights[q, k] == pytest.approx(np.abs(numbers[place][seen]).mean())


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 300))
@examples(200)
def test_blocks_are_few_and_no_larger_than_needed(queries: int, keys: int, cells: int) -> None:
    block = block_sizes((queries, keys), 128, cells)

    def fits(down: int, across: int) -> bool:
        counts = -(-queries // down), -(-keys // across)
        return max(counts) <= 128 and counts[0] * counts[1] <= cells

    assert fits(*block)
    largest = max(block)
    if largest > 1:
        half = 2 ** (largest.bit_length() - 1) // (2 if largest & (largest - 1) == 0 else 1)
        assert not fits(min(half, queries), min(half, keys))


@given(
    hidden=arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    wide=st.sampled_from([3.0, 10.0, 44.0]),
    tall=st.sampled_from([3.0, 10.0, 26.0]),
)
@examples(100)
def test_what_is_hidden_is_hatched_and_nothing_else(
    hidden: NDArray, wide: float, tall: float
) -> None:
    def cell(x: float, y: float) -> bool:
        return bool(hidden[int((y - 5) // tall), int((x - 7) // wide)])

    area = 0.0
    for rect in grounds(hidden, 7, 5, wide, tall):
        area += rect.width * rect.height
        assert cell(rect.x + 0.5, rect.y + 0.5)
        assert cell(rect.x + rect.width - 0.5, rect.y + 0.5)
    assert area == pytest.approx(hidden.sum() * wide * tall)
    lines = strokes(hidden, 7, 5, wide, tall)
    for (x0, y0), (x1, y1) in lines:
        assert x1 - x0 == pytest.approx(y0 - y1)
        for part in (0.0137, 0.3719, 0.5171, 0.8313, 0.9871):
            assert cell(x0 + part * (x1 - x0), y0 + part * (y1 - y0))
    if wide + tall >= 18:
        for row, column in zip(*np.nonzero(hidden), strict=True):
            left, top = 7 + column * wide, 5 + row * tall
            assert any(
                max(x0, left) < min(x1, left + wide) and max(y1, top) < min(y0, top + tall)
                for (x0, y0), (x1, y1) in lines
            )


def test_hiding_is_more_than_a_colour() -> None:
    found = encode(picture_of(CAUSAL, {"N": 9, "D": 4}, head=(0, 0)), "svg").decode()
    assert palette.HIDDEN in found
    assert palette.HATCH in found
    assert "hidden by the mask" in found


# Numbers and tokens


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.41503, "0.415"),
        (-1.2, "−1.2"),
        (12.345, "12.3"),
        (999.4, "999"),
        (1234.5, "1234"),
        (1.2345e-5, "1.2e−5"),
        (-3.21e8, "−3.2e8"),
        (0.00123, "0.00123"),
        (np.inf, "∞"),
        (-np.inf, "−∞"),
        (np.nan, "NaN"),
    ],
)
def test_numbers(x: float, text: str) -> None:
    assert number(x) == text


def test_vectors() -> None:
    assert components(np.arange(4.0)) == ("0", "1", "2", "3")
    assert components(np.arange(5.0)) == ("0", "1", "2", "3", "4")
    assert components(np.arange(6.0)) == ("0", "1", "2", "3", "…")
    assert written(np.array([0.5, -2.0]), 3) == "[0.5, −2]"


def test_tokens_name_queries_and_keys() -> None:
    assert fit_tokens([["a", "b"]], 2, 2) == Tokens(("a", "b"), ("a", "b"))
    assert fit_tokens([["a", "b"]], 1, 2) == Tokens((), ("a", "b"))
    assert fit_tokens([["a"], ["b", "c"]], 1, 2) == Tokens(("a",), ("b", "c"))
    assert Tokens(("", "b")).query(0) == "0"
    assert Tokens().key(3) == "3"


# The command


@pytest.fixture
def attn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `attn render --view trace` in an empty folder; no traceback, whatever happens."""
    monkeypatch.chdir(tmp_path)

    def invoke(file: str, *options: str, out: str = "out.svg") -> Result:
        command = ["render", file, "-o", out, *options]
        found = CliRunner().invoke(main, command if "--view" in options else [*command, *TRACE])
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return found

    return invoke


TRACE = ("--view", "trace")
SMALL = ("--set", "N=4", "--set", "D=4")
Attn = Callable[..., Result]


def test_inputs_and_tokens_of_a_file(attn: Attn, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    inputs = {n: random.standard_normal((1, 2, 4, 3)).astype(np.float32) for n in "QKV"}
    np.savez("in.npz", **inputs, tokens=np.array(HOSTILE))  # type: ignore[arg-type]
    assert attn(CAUSAL, "--inputs", "in.npz", "--head", "0,1").exit_code == 0
    found = (tmp_path / "out.svg").read_text()
    graph, _ = graph_of(CAUSAL, {})
    (trace,) = trace_attention(graph, inputs, head=(0, 1))
    for q, k in ((0, 0), (3, 2)):
        assert f"score {number(trace.scores[q, k])}, " in found
    assert "query &lt;script&gt;" in found
    assert attn(CAUSAL, "--inputs", "in.npz", "--tokens", "a,b,c,d").exit_code == 0
    assert "query a → key b" in (tmp_path / "out.svg").read_text()


def test_the_seed_counts(attn: Attn, tmp_path: Path) -> None:
    found = []
    for seed in ("0", "0", "1"):
        assert attn(CAUSAL, *SMALL, "--seed", seed).exit_code == 0
        found.append((tmp_path / "out.svg").read_bytes())
    assert found[0] == found[1] != found[2]


def test_one_of_several_attentions(attn: Attn, tmp_path: Path) -> None:
    file = str(EXAMPLES / "variants" / "differential.attn")
    assert attn(file, *SMALL, "--of", "A2_O").exit_code == 0
    assert "A2_O" in (tmp_path / "out.svg").read_text()


NO_ATTENTION = 'flowchart TD\n    x(["x : f32[N, D]"]) --> y[Softmax]\n'
WRONG = {
    "unknown attention": (("--of", "P"), "there is no attention 'P'; attentions are O"),
    "head beyond": (("--head", "0,9"), "O has 1 batch of 8 heads, counted from 0"),
    "batch beyond": (("--head", "1,*"), "there is no head 1,*: O has 1 batch of 8 heads"),
    "head": (("--head", "x"), "is not of the form 0,3"),
    "negative head": (("--head=-1,0",), "is not of the form 0,3"),
    "too few tokens": (("--tokens", "a,b"), "2 tokens are given for 4 keys"),
    "one token": (("--tokens", ""), "1 token is given for 4 keys"),
    "too many lists": (("--tokens", "a,b,c,d") * 3, "tokens are given more than twice"),
    "missing file": (("--inputs", "none.npz"), "`none.npz` cannot be read"),
    "part of the inputs": (("--inputs", "part.npz"), "input 'K' is missing"),
    "unknown input": (("--inputs", "more.npz"), "there is no input 'W'"),
    "wrong dtype": (("--inputs", "ints.npz"), "input 'Q' is int64, and has to be float32"),
    "wrong shape": (("--inputs", "shape.npz"), "input 'K'"),
    "nothing": (("--inputs", "empty.npz"), "there is nothing to trace: 0 queries and 0 keys"),
    "too large": (("--set", "N=60000"), "--set gives smaller sizes"),
    "seed": (("--seed", "x"), "is not a valid integer"),
    "another view": (
        ("--view", "fused", "--head", "0,0"),
        "--head is for --view tiles or trace; this view is fused",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_an_option_is_said(attn: Attn, wrong: str, tmp_path: Path) -> None:
    options, message = WRONG[wrong]
    one = np.zeros((1, 8, 4, 4), np.float32)
    np.savez("part.npz", Q=one)
    np.savez("more.npz", Q=one, K=one, V=one, W=one)
    np.savez("ints.npz", Q=one.astype(np.int64), K=one, V=one)
    np.savez("shape.npz", Q=one, K=one[..., :3], V=one)
    np.savez("empty.npz", **dict.fromkeys("QKV", one[:, :, :0]))  # type: ignore[arg-type]
    found = attn(CAUSAL, *SMALL, *options)
    assert found.exit_code != 0
    assert message in " ".join(found.stderr.split()), found.stderr
    assert not (tmp_path / "out.svg").exists()


def test_without_an_attention_there_is_nothing_to_trace(attn: Attn) -> None:
    Path("a.attn").write_text(NO_ATTENTION)
    found = attn("a.attn")
    assert found.exit_code == 1
    assert "no attention is fused here" in found.stderr


def test_a_long_one_has_no_sequence(attn: Attn) -> None:
    found = attn(CAUSAL, "--set", "N=7", out="out.mmd")
    assert found.exit_code == 1
    assert "up to 6 queries and keys; --set and --head choose a small one" in found.stderr


def test_what_is_no_number_is_shown_as_such(attn: Attn, tmp_path: Path) -> None:
    one = np.zeros((1, 1, 3, 4), np.float32)
    one[0, 0, 1, 0], one[0, 0, 2, 0] = np.nan, np.inf
    np.savez("nan.npz", Q=one, K=one, V=one)
    assert attn(CAUSAL, "--inputs", "nan.npz").exit_code == 0
    assert "NaN" in (tmp_path / "out.svg").read_text()
    assert attn(CAUSAL, "--inputs", "nan.npz", "--head", "0,*").exit_code == 0
    assert 'opacity="nan"' not in (tmp_path / "out.svg").read_text()
