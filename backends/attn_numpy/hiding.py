"""The conditions of a mask: where they are asked, and what they hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attn_dsl.expr import FALSE, TRUE, names_in, tensors_in
from attn_dsl.tile import Hide, full_queries
from attn_numpy.expressions import ArrayPrinter, ScalarPrinter
from attn_numpy.site import Site

scalar = ScalarPrinter().print


def print_hide(site: Site, step: Hide) -> None:
    """A condition that scores have to meet, where the tile does not meet it as a whole."""
    if step.full == FALSE and step.given is None:
        _print_hidden(site, [step])
        return
    partial = scalar(site.program.scope.opposite(step.full))
    with site.out.block(f"if {f'{step.given} is not None' if step.given else partial}:"):
        _print_hidden(site, [step], None if step.given else _cut(site, step))


@dataclass(frozen=True)
class Cut:
    """The queries of a tile that do not see all of its keys: from `first` on, up to `end`."""

    first: str = "q_first"
    end: str = "q_last + 1"

    @property
    def rows(self) -> str:
        """Their rows among those of the tile."""
        if self.first == "q_first":
            return f"slice({self.end} - q_first)"
        return f"slice({self.first} - q_first, None)"


def _cut(site: Site, step: Hide) -> Cut | None:
    """Where the mask cuts through a tile on one side: the other queries need not be asked."""
    if tensors_in(step.mask, gathered=False):
        return None
    full = full_queries(step.full, site.program.scope)
    if full.live != TRUE or (full.begin is None) == (full.end is None):
        return None
    if full.begin is not None:
        return Cut(end=f"min({scalar(full.begin)}, q_last + 1)")
    assert full.end is not None
    return Cut(first=f"max({scalar(full.end)}, q_first)")


def print_mapped(site: Site, step: Hide) -> None:
    """All conditions of a mask together, where the map of tiles says that one may fail."""
    hides = [s for s in site.program.body if isinstance(s, Hide) and s.given is None]
    if step is not hides[0]:
        return
    if site.program.full == FALSE:
        _print_hidden(site, hides)
        return
    with site.out.block(f"if not {site.of_map('full')}[k_first // KEY_TILE]:"):
        _print_hidden(site, hides)


def _print_hidden(site: Site, hides: Sequence[Hide], cut: Cut | None = None) -> None:
    """Let the scores be -inf, or weigh 0, that one of the conditions hides: those of `cut`."""
    out, names = site.out, frozenset().union(*(names_in(hide.mask) for hide in hides))
    rows = ""
    if cut is not None:
        out.line(f"cut = {cut.rows}  # who sees not all of them")
        rows = site.of("cut")
    if "q" in names and (cut is not None or not site.maps_index("q")):
        first, end = (cut.first, cut.end) if cut is not None else ("q_first", "q_last + 1")
        out.line(f"q = np.arange({first}, {end})[:, None]")
    if "k" in names and not site.maps_index("k"):
        out.line("k = np.arange(k_first, k_last + 1)")
    for hide in hides:
        hidden = ArrayPrinter(site.given).print(site.program.scope.opposite(hide.mask))
        value = "0" if hide.value == 0 else "-np.inf"
        out.line(f"np.copyto({hide.buffer}{rows}, {value}, where={hidden})")
        if site.count and hide.given is None:
            out.line('count("masked", heads_in(query_tile))')
