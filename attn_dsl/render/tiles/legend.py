"""The legend of a picture of tiles: what each look means, and how often it is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attn_dsl.render.canvas import Item, Label, Lines, Patches, Rect, text_width
from attn_dsl.render.palette import GRID, HATCH, HIDDEN, INK, LINE, PLAIN, QUIET_INK, SCORE
from attn_dsl.render.tiles.matrix import hatched
from attn_dsl.render.tiles.plan import Plan
from attn_dsl.render.tiles.words import LINE_HEIGHT, TEXT, Section, facts

SWATCH = 14.0


@dataclass(frozen=True)
class Entry:
    """A look of tiles or scores: its name, how many there are, and a word on it."""

    name: str
    number: int
    share: float
    note: str

    @property
    def text(self) -> str:
        """`full  120  47 %  computed without the mask`."""
        return f"{self.number:,} ({self.share:.1%})"


def entries(plan: Plan) -> list[Entry]:
    """Tiles by kind, as shares of all tiles; hidden scores, of those that are computed."""
    view = plan.view
    count = view.count
    total = view.tiles.size
    full, partial, skipped = count.full, count.partial, count.skipped
    hidden, computed = hidden_scores(plan)
    return [
        Entry("full", full, full / total, "tiles: computed, no mask asked"),
        Entry("partial", partial, partial / total, "tiles: computed, mask asked at each score"),
        Entry("skipped", skipped, skipped / total, "tiles: never loaded, never computed"),
        Entry("hidden", hidden, hidden / max(1, computed), _hidden_note(plan)),
    ]


def _hidden_note(plan: Plan) -> str:
    if max(plan.step) == 1 or not hidden_scores(plan)[0]:
        return "scores: computed, and masked"
    part = " × ".join(map(str, plan.step))
    return f"scores: computed, and masked; paler where a part of {part} is not all hidden"


def hidden_scores(plan: Plan) -> tuple[int, int]:
    """How many scores are computed and hidden, and how many are computed at all."""
    view = plan.view
    sizes = {
        (row, column): len(view.queries(row)) * len(view.keys(column))
        for row in range(len(view.tiles))
        for column in view.visited(row)
    }
    hidden = sum(sizes[place] - int(counts.sum()) for place, counts in plan.kept.items())
    return hidden, sum(sizes.values())


def legend(plan: Plan, left: float, top: float) -> Section:
    """A line for each look."""
    items: list[Item] = []
    right, y = left, top
    for entry in entries(plan):
        items += _swatch(entry.name, left, y)
        x = left + SWATCH + 10
        items.append(Label(x, y + 11, entry.name, TEXT, INK, "start", bold=True))
        items.append(Label(x + 168, y + 11, entry.text, TEXT, INK, "end"))
        items.append(Label(x + 182, y + 11, entry.note, TEXT, QUIET_INK, "start"))
        right = max(right, x + 182 + text_width(entry.note, TEXT))
        y += LINE_HEIGHT
    return Section(tuple(items), right, y)


def _swatch(name: str, x: float, y: float) -> Iterator[Item]:
    place = (x, y, SWATCH, SWATCH)
    yield Rect(*place, SCORE if name in ("full", "partial") else PLAIN, GRID, 0.6)
    if name == "partial":
        half = SWATCH / 2
        yield Patches(((x + half, y, half, half),), HIDDEN)
        yield Rect(*place, "", LINE, 0.8)
    elif name == "hidden":
        yield Patches((place,), HIDDEN)
    elif name == "skipped":
        yield Lines(tuple(hatched(place)), HATCH, 0.5)


def description(plan: Plan) -> str:
    """The picture in words, for who cannot see it."""
    lines = [*plan.view.formula, *facts(plan.view)]
    lines += [f"{e.name}: {e.text} {e.note}" for e in entries(plan)]
    return ". ".join(lines)
