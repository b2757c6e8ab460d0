"""The page docs/gallery.md: every example, as it is drawn, and as the compiler sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attn_dsl.pipeline import read
from attn_dsl.render import Picture
from attn_dsl.views import Asked, picture_of

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
INTRODUCTION = """# Gallery

What the files in `examples/` look like, drawn by `attn render`. Each of them runs:
`attn run examples/causal.attn`. [The attention variants](variants.md) have a page of their own,
with the tiles that each mask leaves.
"""
VIEWS = """## One diagram, five views

[`causal.attn`](../examples/causal.attn) as it is drawn, as a typed graph before and after the
passes, what these changed, its tiles at N = 1024, and its numbers on four tokens.
"""
NOTES = {
    "attention.md#2": {"D": 64},
    "attention.md#3": {"heads": 8},
    "attention.md#4": {"N": 6, "heads": 8, "d_model": 512},
}
"""What the notes leave open."""
TITLES = {
    "attention.md#1": "One query and its keys, each a box",
    "attention.md#2": "Scaled dot-product attention, as a note",
    "attention.md#3": "Multi-head attention",
    "attention.md#4": "The Transformer: encoder and decoder",
    "modules/pre_norm.md#Model": "A model of its own blocks",
}
NOTHING = Asked()


@dataclass(frozen=True)
class Shown:
    """A picture: its name, what is drawn, and how."""

    name: str
    source: str
    view: str = "diagram"
    settings: Mapping[str, Any] = field(default_factory=dict)
    asked: Asked = NOTHING

    @property
    def title(self) -> str:
        """What the file calls itself."""
        text = (EXAMPLES / self.source.partition("#")[0]).read_text(encoding="utf-8")
        found = re.search(r"^title: *(.+)$", text, re.MULTILINE)
        given = found[1].strip("\"'") if found else self.source
        return TITLES.get(self.source, given)

    @property
    def command(self) -> str:
        """The command that draws it."""
        source = f'"examples/{self.source}"' if "#" in self.source else f"examples/{self.source}"
        view = f" --view {self.view}" if self.view != "diagram" else ""
        said = "".join(f" --{n} {v}" for n, v in vars(self.asked).items() if v is not None)
        sizes = "".join(f" --set {name}={value}" for name, value in self.settings.items())
        return f"attn render {source}{view}{said}{sizes} -o {self.name}.svg"

    def picture(self) -> Picture:
        """The picture."""
        block = read(f"{EXAMPLES / self.source}")
        return picture_of(block, self.view, self.settings, self.asked)


def examples() -> list[Shown]:
    """A picture of each example."""
    files = [path.name for path in sorted(EXAMPLES.glob("*.attn"))]
    notes = [f"attention.md#{number}" for number in (1, 2, 3, 4)]
    modules = ["modules/gated.attn", "modules/pre_norm.md#Model"]
    return [_example(source) for source in (*files, *notes, *modules)]


def _example(source: str) -> Shown:
    name = re.sub(r"\W+", "_", re.sub(r"\.(attn|md)\b", "", source))
    return Shown(name, source, settings=NOTES.get(source, {}))


def views() -> list[Shown]:
    """One diagram in all views."""
    small = {"N": 4, "H": 1, "D": 4}
    return [
        Shown("causal_graph", "causal.attn", "graph"),
        Shown("causal_fused", "causal.attn", "fused"),
        Shown("causal_diff", "causal.attn", "graph", asked=Asked(diff="all")),
        Shown("causal_tiles", "causal.attn", "tiles"),
        Shown("causal_trace", "causal.attn", "trace", small),
    ]


def page() -> str:
    """The text of the page."""
    return "\n".join([INTRODUCTION, *_examples(), VIEWS, *_views()])


def _examples() -> Iterator[str]:
    for shown in examples():
        path = shown.source.partition("#")[0]
        yield f"## {shown.title}\n"
        yield f"[`{shown.source}`](../examples/{path})\n"
        yield f"![{shown.title}](images/gallery/{shown.name}.svg)\n"


def _views() -> Iterator[str]:
    for shown in views():
        yield f"    {shown.command}\n"
        yield f"![causal attention: {shown.name}](images/gallery/{shown.name}.svg)\n"
