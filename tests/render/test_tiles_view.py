"""The tiles view: what is drawn is what the tile program does, on the real mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from support import NDArray, examples

from attn_dsl.cli import main
from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import Graph, Sizes, evaluate
from attn_dsl.ir.ops import Input, TiledScores
from attn_dsl.ir.ops.softmax import log_sum_exp, sink_of
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.render import Theme, encode
from attn_dsl.render.canvas import Canvas, Group, Item, Label, Patches, Rect, flat
from attn_dsl.render.frames import Frame
from attn_dsl.render.palette import HIDDEN, QUERY, QUERY_NOW, SCORE_NOW
from attn_dsl.render.tiles import TilesView, of_head, tile_frames, tiles_picture
from attn_dsl.render.tiles.plan import plan
from attn_dsl.render.tiles.view import FULL, PARTIAL, SKIPPED
from attn_dsl.sample import sample_inputs
from attn_dsl.tile import Tier, count_tiles, tile_map
from attn_dsl.views.tiles import TilesAsked, tiles_view

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
VARIANTS = sorted((EXAMPLES / "variants").glob("*.attn"))
OTHERS = sorted(EXAMPLES.glob("*.attn"))
CASES = Path(__file__).parent / "cases"
SMALL = 128
"""Lengths at which every variant is compared, score by score."""

DRAWN = '(["{0} : f32[B, H, N, D]"])'
MASKED = f"""flowchart TD
    Q{DRAWN.format("Q")} & K{DRAWN.format("K")} --> S[MatMul]
    S --> mask["Mask (opt.)"]
    mask --> P[Softmax]
    P & V{DRAWN.format("V")} --> O[MatMul]
"""
CAUSAL = MASKED.replace('"Mask (opt.)"', '"Mask: k <= q"')


def compiled(source: Path | str, limit: int = 0, **settings: int) -> Compiled:
    """The diagram, its sizes no larger than `limit`, if there is one."""
    block = read(source)
    found = analyse(block, settings)
    if limit:
        settings |= {s: min(n, limit) for s, n in found.settings.dims.items()}
        found = analyse(block, settings)
    return found


@cache
def small(file: Path) -> tuple[TilesView, NDArray, NDArray]:
    """A variant at small sizes, with the scores of its head and the log of their sums."""
    found = compiled(file, SMALL)
    view = tiles_view(found, TilesAsked())
    return view, *reference(found, view)


@cache
def view_of_file(file: Path) -> TilesView:
    return view_of(file)


def view_of(source: Path | str, limit: int = 0, **settings: int) -> TilesView:
    return tiles_view(compiled(source, limit, **settings), TilesAsked())


def canvas(view: TilesView, still: bool = True) -> Canvas:
    drawn = tiles_picture(view, still).drawn
    assert isinstance(drawn, Canvas)
    return drawn


def groups(items: tuple[Item, ...]) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            yield item
            yield from groups(item.items)


def of_kind(drawn: Canvas, *kind: str) -> list[Group]:
    """The groups that have all these CSS classes."""
    return [g for g in groups(drawn.items) if set(kind) <= set(g.kind.split())]


def texts(drawn: Canvas) -> list[str]:
    return [item.text for item in flat(drawn.items) if isinstance(item, Label)]


def reference(found: Compiled, view: TilesView) -> tuple[NDArray, NDArray]:
    """The scores of the view's head by the operation's own meaning, and the log of their sums."""
    graph = found.fused
    op = graph.table[view.program.name].op
    assert isinstance(op, TiledScores)
    batch = (1, 2) if any(s.type.batch for s in graph.inputs) else ()
    arrays = sample_inputs(graph, Sizes(view.sizes, batch), 0)
    wanted = dict.fromkeys((op.query, op.key, *op.captured))
    before = Graph.ordered("", graph.statements, [(name, name) for name in wanted])
    names = {s.op.name for s in before.inputs if isinstance(s.op, Input)}
    values = evaluate(before, {name: a for name, a in arrays.items() if name in names})
    scores = op.scores(values, view.sizes)
    sums = log_sum_exp(scores, sink=sink_of(op.sink, scores, values, view.sizes))
    place = (0,) * (scores.ndim - 4) + view.head[max(0, 4 - scores.ndim) :]
    return scores[place], sums[place]


@pytest.mark.parametrize("file", [*VARIANTS, *OTHERS], ids=lambda file: file.stem)
def test_cells_are_the_tile_map(file: Path) -> None:
    view = view_of_file(file)
    known = {b.name: view.captured[b.name] for b in view.program.captured if not b.optional}
    tiles = tile_map(view.program, view.sizes, known)
    drawn = canvas(view)
    for kind in ("score", "weight"):
        for what, number in (("full", FULL), ("partial", PARTIAL)):
            cells = of_kind(drawn, "cell", kind, what)
            places = {tuple(int(name[1:]) for name in c.data["at"].split()) for c in cells}
            assert places == {(int(q), int(k)) for q, k in np.argwhere(tiles == number)}
            assert len(cells) == len(places)
        skipped = [g.items[0] for g in of_kind(drawn, "skipped", kind)]
        count = sum(len(item.places) for item in skipped if isinstance(item, Patches))
        assert count == (tiles == SKIPPED).sum()
    assert len(of_kind(drawn, "cell", "query")) == tiles.shape[0]
    assert len(of_kind(drawn, "cell", "key")) == tiles.shape[1]


@pytest.mark.parametrize("file", VARIANTS, ids=lambda file: file.stem)
def test_the_legend_counts_as_count_tiles_does(file: Path) -> None:
    view = view_of_file(file)
    known = {b.name: view.captured[b.name] for b in view.program.captured if not b.optional}
    count = count_tiles(view.program, view.sizes, known)
    said = texts(canvas(view))
    total = view.tiles.size
    for name in ("full", "partial", "skipped"):
        number = getattr(count, name)
        assert said[said.index(name) + 1] == f"{number:,} ({number / total:.1%})"


@pytest.mark.parametrize("file", VARIANTS, ids=lambda file: file.stem)
def test_grey_is_what_the_mask_hides(file: Path) -> None:
    view, scores, _ = small(file)
    kept = scores != -np.inf
    shown = plan(view, None)
    drawn = canvas(view, still=False)
    cells = {c.data["at"]: c for c in of_kind(drawn, "cell", "score")}
    for (q, k), kind in np.ndenumerate(view.tiles):
        rows, columns = view.queries(q), view.keys(k)
        tile = kept[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if kind == SKIPPED:
            assert not tile.any()
        elif (q, k) not in shown.kept:
            assert tile.all()
        else:
            assert hidden_share(cells[f"q{q} k{k}"]) == pytest.approx(
                wanted_share(tile, shown.step)
            )
    computed = sum(len(view.queries(q)) * len(view.keys(k)) for q, k in np.argwhere(view.tiles))
    hidden = computed - kept.sum()
    said = texts(drawn)
    assert said[said.index("hidden") + 1] == f"{hidden:,} ({hidden / max(1, computed):.1%})"


def wanted_share(tile: NDArray, step: tuple[int, int]) -> float:
    """The share of a tile's scores that lie in parts of which all are hidden."""
    dark = 0
    for i in range(0, tile.shape[0], step[0]):
        for j in range(0, tile.shape[1], step[1]):
            part = tile[i : i + step[0], j : j + step[1]]
            dark += 0 if part.any() else part.size
    return dark / tile.size


def hidden_share(cell: Group) -> float:
    """The share of a cell that is drawn grey."""
    ground = cell.items[0]
    assert isinstance(ground, Rect)
    dark = [p for p in cell.items if isinstance(p, Patches) and p.opacity == 1]
    assert all(p.fill == HIDDEN for p in dark)
    area = sum(wide * high for p in dark for _, _, wide, high in p.places)
    return area / (ground.width * ground.height)


@pytest.mark.parametrize("file", VARIANTS, ids=lambda file: file.stem)
def test_frames_end_with_the_maximum_and_the_sum(file: Path) -> None:
    view, scores, sums = small(file)
    frames = tile_frames(view)
    visited = [(q, k) for q in range(len(view.tiles)) for k in view.visited(q)]
    assert [frame.at for frame in frames] == [(f"q{q}", f"k{k}") for q, k in visited]
    last = {frame.at[0]: frame for frame in frames}
    for row in range(len(view.tiles)):
        frame = last.get(f"q{row}")
        if frame is None or not frame.values:
            continue
        query = view.queries(row)[-1]
        maximum, total = float(frame.values["m"]), float(frame.values["l"])
        with np.errstate(divide="ignore"):
            assert maximum + np.log(total) == pytest.approx(sums[query], abs=1e-4)
        if "sinks" not in view.captured:
            assert maximum == pytest.approx(scores[query].max(), rel=1e-5)


MASKS = (
    "k <= q + M - N",
    "abs(q - k) <= 2",
    "(q + k) % 3 == 0",
    "q // 4 == k // 4 and k <= q",
    "k < length[b]",
    "s > 0",
)
DIAGRAM = """flowchart TD
    Q(["Q : f32[B, H, N, D]"]) & K(["K : f32[B, H, M, D]"]) --> S[MatMul]
    length(["length : i32[B]"]) --> mask
    S --> mask["Mask: {0}"]
    mask --> P[Softmax]
    P & V(["V : f32[B, H, M, E]"]) --> O[MatMul]
"""


@examples(40)
@given(
    st.sampled_from(MASKS),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_any_sizes_and_tiles(mask: str, lengths: tuple[int, int], tile: tuple[int, int]) -> None:
    text = DIAGRAM.format(mask)
    if "length" not in mask:
        text = text.replace('    length(["length : i32[B]"]) --> mask\n', "")
    found = compiled(text, N=lengths[0], M=lengths[1], D=3, E=2, B=2, H=2)
    view = tiles_view(found, TilesAsked(tile=tile, head=(1, 1)))
    kept = reference(found, view)[0] != -np.inf
    cells = {c.data["at"]: c for c in of_kind(canvas(view), "cell", "weight")}
    step = plan(view, None).step
    for (q, k), kind in np.ndenumerate(view.tiles):
        rows, columns = view.queries(q), view.keys(k)
        part = kept[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (f"q{q} k{k}" in cells) == (kind != SKIPPED)
        assert kind != SKIPPED or not part.any()
        assert kind != FULL or part.all() or mask == "s > 0"  # which is a part of the score
        if kind != SKIPPED:
            grey = hidden_share(cells[f"q{q} k{k}"])
            assert grey == pytest.approx(wanted_share(part, step))


def test_frames_say_what_runs() -> None:
    view = view_of(CAUSAL, N=12, D=4)
    assert tile_frames(view)[0] == Frame(
        "queries 0–1, keys 0–1: partial", ("q0", "k0"), tile_frames(view)[0].values
    )
    first, second = (f for f in tile_frames(view) if f.at[0] == "q1")
    assert second.label == "queries 2–3, keys 2–3: partial"
    scores = view.query[3] @ view.key[:4].T
    assert float(first.values["m"]) == pytest.approx(scores[:2].max(), rel=1e-5)
    assert float(second.values["l"]) == pytest.approx(np.exp(scores - scores.max()).sum(), rel=1e-5)


def test_without_a_softmax_there_is_no_maximum() -> None:
    view = view_of(EXAMPLES / "variants" / "sigmoid.attn", SMALL)
    assert all(not frame.values for frame in tile_frames(view))
    assert of_kind(canvas(view), "running") == []


def test_of_a_still_picture_one_tile_is_highlighted() -> None:
    view = view_of(CAUSAL, N=64, D=8)
    for still in (True, False):
        drawn = canvas(view, still)
        grounds = [g.items[0] for g in of_kind(drawn, "cell", "query")]
        fills = [item.fill for item in grounds if isinstance(item, Rect)]
        assert (fills.count(QUERY_NOW), fills.count(QUERY)) == ((1, 3) if still else (0, 4))
        scores = [g.items[0] for g in of_kind(drawn, "cell", "score")]
        lit = [item for item in scores if isinstance(item, Rect) and item.fill == SCORE_NOW]
        assert len(lit) == still
        assert any(text.startswith("highlighted") for text in texts(drawn)) is still


def test_memories_are_those_of_the_buffers() -> None:
    view = view_of(CAUSAL, N=64, D=8)
    tiers = [t for t in texts(canvas(view)) if t in ("Cache", "Registers")]
    assert tiers == ["Cache", "Registers", "Registers", "Cache", "Registers"]
    assert any("store in cache" in text for text in texts(canvas(view)))
    moved = tuple(
        replace(b, tier=Tier.REGISTER) if b.name == "weights" else b for b in view.program.buffers
    )
    other = replace(view, program=replace(view.program, buffers=moved))
    tiers = [t for t in texts(canvas(other)) if t in ("Cache", "Registers")]
    assert tiers == ["Cache", "Registers", "Registers", "Cache", "Registers"]
    assert any("stays in registers" in text for text in texts(canvas(other)))


def test_links_name_values_and_parts() -> None:
    drawn = canvas(view_of(CAUSAL, N=64, D=8))
    found = {g.kind.split()[1]: g.data["link"] for g in of_kind(drawn, "matrix")}
    assert found == {
        "query": "Q",
        "key": "K",
        "value": "V",
        "score": "O/scores O/mask",
        "running": "O/softmax",
        "weight": "O/softmax",
        "output": "O/values O",
    }


def test_given_masks_are_asked_on_every_tile() -> None:
    """An optional mask is an unknown to the analysis, and shown as it is."""
    found = compiled(MASKED, N=8, D=4, B=1, H=1)
    absent = tiles_view(found, TilesAsked())
    assert (absent.tiles == FULL).all()
    assert "Q Kᵀ" in texts(canvas(absent))
    assert "mask: not given" in texts(canvas(absent))
    keep = np.tri(8, dtype=bool)
    added = np.where(keep, 0, -np.inf).astype(np.float32)
    for mask, kind in ((keep, PARTIAL), (added, FULL)):
        view = tiles_view(found, TilesAsked(inputs={"mask": mask}))
        assert (view.tiles == kind).all()
        drawn = canvas(view)
        assert "mask: not given" not in texts(drawn)
        assert ("Q Kᵀ + mask" in texts(drawn)) == (mask is keep)
        shares = [hidden_share(cell) for cell in of_kind(drawn, "cell", "score")]
        assert sum(shares) / len(shares) == pytest.approx(1 - keep.mean())
        assert texts(drawn)[texts(drawn).index("hidden") + 1] == "28 (43.8%)"


def test_heads_have_their_own_mask() -> None:
    found = compiled(EXAMPLES / "variants" / "spatial_temporal_heads.attn")
    even, odd = (tiles_view(found, TilesAsked(head=(0, h))) for h in (0, 1))
    assert even.count.skipped > odd.count.skipped == 0


def test_heads_are_counted_from_the_right() -> None:
    array = np.arange(2 * 2 * 3 * 4 * 5).reshape(2, 2, 3, 4, 5)
    assert (of_head(array, (1, 2)) == array[0, 1, 2]).all()
    assert (of_head(array[0], (1, 2)) == array[0, 1, 2]).all()
    assert (of_head(array[0, 0], (1, 2)) == array[0, 0, 2]).all()
    assert (of_head(array[0, :1, :1], (1, 2)) == array[0, 0, 0]).all()  # one for all heads
    assert (of_head(array[0, 0, 0], (1, 2)) == array[0, 0, 0]).all()


def test_arrays_decide_the_sizes() -> None:
    inputs = {"Q": np.ones((1, 2, 20, 4), np.float32)}
    view = tiles_view(compiled(CAUSAL), TilesAsked(inputs=inputs))
    assert (len(view.query), len(view.key), view.sizes["H"]) == (20, 20, 2)
    assert view.query.min() == 1


@pytest.mark.parametrize(("length", "side"), [(16, 4), (64, 16), (255, 32), (256, 64), (1024, 64)])
def test_short_lengths_have_small_tiles(length: int, side: int) -> None:
    program = view_of(CAUSAL, N=length, D=4).program
    assert (program.query_tile, program.key_tile) == (side, side)


@pytest.mark.parametrize("format", ["svg", "png", "pdf", "dot"])
@pytest.mark.parametrize("theme", Theme)
def test_every_format(format: str, theme: Theme) -> None:
    picture = tiles_picture(small(EXAMPLES / "variants" / "alibi_documents.attn")[0])
    data = encode(picture, format, theme)
    assert data[:4] in (b"<svg", b"\x89PNG", b"%PDF", b"digr")
    if format == "svg":
        assert data == encode(picture, format, theme)
        root = ElementTree.fromstring(data)
        assert root.findtext("{*}title") == "Packed documents with ALiBi, in equations"
        assert "partial: " in (root.findtext("{*}desc") or "")


def test_names_of_an_author_are_text() -> None:
    text = CAUSAL.replace("flowchart", "---\ntitle: a <b> & </svg>\n---\nflowchart")
    data = encode(tiles_picture(view_of(text, N=16, D=4)), "svg")
    assert ElementTree.fromstring(data).findtext("{*}title") == "a <b> & </svg>"


def test_golden(golden: Callable[[Path, str], None]) -> None:
    found = compiled(CAUSAL, N=6, D=2, B=1, H=1)
    view = tiles_view(found, TilesAsked(tile=(2, 3)))
    golden(CASES / "tiles.svg", encode(tiles_picture(view), "svg").decode())


def test_too_many_tiles() -> None:
    with pytest.raises(DiagnosticError, match="128 × 128 tiles are too many"):
        view_of(CAUSAL, N=8192, D=4)
    view = tiles_view(compiled(CAUSAL, N=8192, D=4), TilesAsked(tile=(128, 128)))
    assert len(tile_frames(view)) == 64 * 65 // 2


def run(folder: Path, text: str, *options: str) -> Result:
    (folder / "a.attn").write_text(text, encoding="utf-8")
    out = ["-o", str(folder / "out.svg")]
    return CliRunner().invoke(main, ["render", str(folder / "a.attn"), *out, *options])


def test_command(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", mask=np.tri(16, dtype=bool))
    options = ["--inputs", str(tmp_path / "in.npz"), "--seed", "3", "--tile-size", "4x8"]
    options += ["--head", "0,1", "--of", "O", "--set", "N=16", "--set", "D=8", "--set", "H=2"]
    result = run(tmp_path, MASKED, "--view", "tiles", *options)
    assert result.output.startswith("wrote "), result.output
    text = (tmp_path / "out.svg").read_text()
    assert "tiles of 4 queries × 8 keys; head 1 of batch 0" in text


NO_ATTENTION = 'flowchart TD\n    x(["x : f32[N, M]"]) --> y[Softmax]\n'
NOTHING = 'flowchart TD\n    x(["x : f32[N, M]"]) --> y[Transpose]\n'
WRONG = [
    (CAUSAL, "--of P", "no fused attention gives `P`"),
    (CAUSAL, "--head 0,8", "there is no head 0,8"),
    (CAUSAL, "--head 1,0", "there is no head 1,0"),
    (CAUSAL, "--set N=8192", "128 × 128 tiles are too many for a picture"),
    (CAUSAL, "--tile-size 4", "256 × 256 tiles are too many for a picture"),
    (CAUSAL, "--set N=131072 --tile-size 4096", "the mask would have to be asked at"),
    (NO_ATTENTION, "", "no attention of this diagram is fused"),
    (NOTHING, "", "no attention of this diagram is fused"),
]


@pytest.mark.parametrize(("text", "options", "message"), WRONG)
def test_what_cannot_be_shown_is_said(
    text: str, options: str, message: str, tmp_path: Path
) -> None:
    result = run(tmp_path, text, "--view", "tiles", *options.split())
    assert result.exit_code == 1
    assert message in result.stderr
    assert "attn[E083]" in result.stderr
    assert "help: " in result.stderr
    assert not (tmp_path / "out.svg").exists()


@pytest.mark.parametrize(
    "options",
    ["--tile-size 0", "--tile-size 4x", "--tile-size -1", "--head x", "--head 1,2,3", "--seed x"],
)
def test_options_that_cannot_be_read(options: str, tmp_path: Path) -> None:
    result = run(tmp_path, CAUSAL, "--view", "tiles", *options.split())
    assert result.exit_code == 2
    assert "Error: Invalid value for" in result.stderr


@pytest.mark.parametrize("option", ["--tile-size 4", "--head 0", "--of O", "--seed 1"])
def test_options_of_another_view(option: str, tmp_path: Path) -> None:
    result = run(tmp_path, CAUSAL, *option.split())
    assert result.exit_code == 1
    assert f"{option.split()[0]} is for --view tiles" in result.stderr


ARRAYS = [
    ({"q": np.zeros(3, np.float32)}, "there is no input 'q'"),
    ({"Q": np.zeros((1, 1, 8, 4))}, "input 'Q' is float64, and has to be float32"),
    ({"Q": np.zeros((8, 4), np.float32)}, "input 'Q' is f32[B, H, N, D]: it needs 4 dims"),
    ({"Q": np.zeros((1, 1, 0, 4), np.float32)}, "a length is 0"),
    (
        {"Q": np.zeros((1, 1, 8, 4), np.float32), "K": np.zeros((1, 1, 9, 4), np.float32)},
        "N is 9 here, 8 in 'Q'",
    ),
]


@pytest.mark.parametrize(("arrays", "message"), ARRAYS)
def test_arrays_that_do_not_fit(arrays: dict[str, NDArray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", **arrays)  # type: ignore[arg-type]
    result = run(tmp_path, CAUSAL, "--view", "tiles", "--inputs", str(tmp_path / "in.npz"))
    assert result.exit_code == 1
    assert message in result.stderr


def test_set_and_arrays_that_differ(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", Q=np.zeros((1, 1, 8, 4), np.float32))
    options = ["--view", "tiles", "--inputs", str(tmp_path / "in.npz"), "--set", "N=16"]
    result = run(tmp_path, CAUSAL, *options)
    assert "input 'Q' has N=8, and --set N=16" in result.stderr
