"""`attn render -o out.html`: what is on the page, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from attn_dsl.page import make_page
from attn_dsl.pipeline import read
from attn_dsl.render.page import Page
from attn_dsl.views import Asked

Run = Callable[..., Result]
EXAMPLES = Path(__file__).parents[2] / "examples"
SOFTMAX = 'flowchart TD\n    x(["x : f32[N, M]"]) --> y[Softmax]\n'


def causal_page(**settings: int) -> Page:
    return make_page(read(EXAMPLES / "causal.attn"), settings)


def test_a_page_is_written(run: Run, causal: str) -> None:
    result = run("render", causal, "-o", "out.html", "--set", "N=5")
    assert result.exit_code == 0, result.output
    assert result.output == "wrote out.html\n"
    html = Path("out.html").read_text(encoding="utf-8")
    run("render", causal, "-o", "again.html", "--set", "N=5")
    assert html == Path("again.html").read_text(encoding="utf-8"), "the same bytes every time"
    for forbidden in ("http://", "https://", "@import", "src=", "url("):
        outside = html.replace('xmlns="http://www.w3.org/2000/svg"', "")
        outside = outside.replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
        outside = outside.replace("xmlns='http://www.w3.org/2000/svg'", "")
        assert forbidden not in outside, forbidden


def test_what_belongs_together_shares_names() -> None:
    page = causal_page(N=5, D=64)
    assert [panel.id for panel in page.panels] == ["diagram", "fused", "tiles", "trace"]
    assert [source.title for source in page.sources] == [
        "NumPy",
        "CUDA",
        "Drawing",
        "Explanation",
    ]
    for part in ("O/scores", "O/mask", "O/softmax", "O/values", "Q"):
        for panel in page.panels:
            linked = f'data-link="{part}' in panel.svg or f' {part}"' in panel.svg
            assert linked, f"{part} in {panel.title}"
        for source in (page.sources[0], page.sources[2]):
            names = {name for links in source.links.values() for name in links}
            assert part in names or part == "Q", f"{part} in {source.title}"
    scores = [n for n, links in page.sources[2].links.items() if "O/scores" in links]
    assert [page.sources[2].text.split("\n")[n - 1].strip() for n in scores] == [
        "Q & K --> S[MatMul]"
    ]


def test_the_tiles_have_a_frame_for_each_that_is_visited() -> None:
    tiles = causal_page(N=256, D=64).panels[2]
    assert len(tiles.frames) == 4 * 5 // 2
    assert tiles.frames[0].at == ("q0", "k0")
    assert list(tiles.frames[0].values) == ["m", "l"]


def test_a_view_that_shows_nothing_says_why(tmp_path: Path) -> None:
    file = tmp_path / "a.attn"
    file.write_text(SOFTMAX)
    page = make_page(read(file), {})
    tiles = page.panels[2]
    assert tiles.svg == ""
    assert "no attention of this diagram is fused" in tiles.note
    (cuda,) = (source for source in causal_page().sources if source.title == "CUDA")
    assert cuda.text or "--set" in cuda.note


def test_a_target_that_lacks_something_says_what(tmp_path: Path) -> None:
    file = tmp_path / "a.attn"
    text = (EXAMPLES / "causal.attn").read_text().replace(", D: 64}", "}")
    file.write_text(text)
    (cuda,) = (s for s in make_page(read(file), {"N": 5}).sources if s.title == "CUDA")
    assert cuda.text == ""
    assert "--set D=" in cuda.note


def test_a_drawing_with_errors_gives_no_page(run: Run) -> None:
    Path("a.attn").write_text("flowchart TD\n    x & y --> z[MutMal]\n")
    result = run("render", "a.attn", "-o", "out.html")
    assert result.exit_code == 1
    assert "a.attn:2:" in result.stderr
    assert not Path("out.html").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--diff", "all"), "a page has none"),
        (("--head", "9,9"), "there is no head 9,9"),
        (("--inputs", "none.npz"), "none.npz"),
        (("--of", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: Run, causal: str, option: tuple[str, str], said: str
) -> None:
    result = run("render", causal, "-o", "out.html", "--set", "N=5", *option)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not Path("out.html").exists()


def test_what_is_asked_goes_to_the_views_that_know_it() -> None:
    block = read(EXAMPLES / "causal.attn")
    plain = make_page(block, {"N": 5})
    asked = make_page(block, {"N": 5}, Asked(head=(0, 3), no_types=True))
    changed = [a.svg != b.svg for a, b in zip(plain.panels, asked.panels, strict=True)]
    assert changed == [True, False, True, True]


def test_without_the_extra_it_is_named(
    run: Run, causal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("attn_dsl.serve")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("serve", causal, "--port", "0")
    assert result.exit_code == 1
    assert "pip install 'attn-dsl[serve]' brings it" in result.stderr
