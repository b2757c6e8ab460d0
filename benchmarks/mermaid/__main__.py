"""Flowcharts as attn and as mermaid reads them, side by side.

    python benchmarks/mermaid [--count 5000] [--seed 0] [--pieces] [--cache FOLDER]

Needs node and npm; mermaid itself is installed into the cache at the first run. A third of the
flowcharts are sensible, a third wild, and a third are examples, recorded cases and others with a
few changes; `--pieces` takes each piece that they are made of, in each place, instead.

Compared are: accepted or refused, nodes with texts and shapes, edges with texts, ids and kinds,
subgraphs with titles, members and directions. The exit status is the number of kinds of
differences that `explained.py` has no reason for; in the table they begin with `!`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import click
from compare import Case, differences, ours
from explained import explain
from flowcharts import Flowcharts, every_piece
from mutations import mutate
from oracle import PACKAGES, Mermaid
from shrink import shrink

from attn_dsl.syntax import find_blocks

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache" / "attn" / "mermaid"


def flowcharts(count: int, seed: int) -> Iterator[str]:
    """`count` different texts, the same for the same seed."""
    random = Random(seed)
    sensible, wild = Flowcharts(random, 0.005), Flowcharts(random, 0.2)
    known, seen = _known(), set[str]()
    while len(seen) < count:
        drawn = [sensible.flowchart(), wild.flowchart()]
        changed = random.choice([known, drawn])
        drawn.append(mutate(random.choice(changed), random.choice(known), random))
        for text in drawn[: count - len(seen)]:
            if text not in seen:
                seen.add(text)
                yield text


def _known() -> list[str]:
    """The flowcharts of the examples, and the recorded cases."""
    examples = ROOT / "examples"
    texts = [path.read_text(encoding="utf-8") for path in sorted(examples.rglob("*.attn"))]
    for path in sorted(examples.rglob("*.md")):
        notes = path.read_text(encoding="utf-8")
        texts += [notes[block.start : block.end] for block in find_blocks(notes)]
    for path in sorted((ROOT / "tests" / "syntax" / "cases").glob("*.json")):
        cases = json.loads(path.read_text(encoding="utf-8"))
        texts += [case["text"] for case in cases if "text" in case]
    return texts


def compared(texts: Sequence[str], mermaid: Mermaid) -> list[tuple[Case, list[str]]]:
    """Each text with both answers to it, and how they differ."""
    answers = zip(texts, mermaid.ask(texts), strict=True)
    cases = [Case(text, ours(text), answer) for text, answer in answers]
    return [(case, differences(case)) for case in cases]


def names(case: Case, kinds: Sequence[str]) -> list[str]:
    """The differences of a case: by the name of the reason, else by what differs."""
    known = ((kind, explain(case, kind)) for kind in kinds)
    return list(dict.fromkeys(why.name if why else f"! {kind}" for kind, why in known))


def smallest(text: str, name: str, mermaid: Mermaid) -> str:
    """The least part of `text` that still differs in what is called `name`."""

    def shows(candidates: list[str]) -> list[bool]:
        return [name in names(case, kinds) for case, kinds in compared(candidates, mermaid)]

    return shrink(text, shows)


@click.command(help=__doc__)
@click.option("--count", default=5000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--pieces", is_flag=True, help="Each piece in each place, and nothing at random.")
@click.option("--cache", default=CACHE, show_default=True, type=click.Path(path_type=Path))
@click.option("--examples", default=1, show_default=True, help="Examples of each difference.")
def main(count: int, seed: int, pieces: bool, cache: Path, examples: int) -> None:
    """Compare, print a table of differences, and exit."""
    with Mermaid(cache) as mermaid:
        texts = dict.fromkeys(every_piece() if pieces else flowcharts(count, seed))
        results = compared(list(texts), mermaid)
        found = [(case.text, name) for case, kinds in results for name in names(case, kinds)]
        accepted = sum(case.mermaid["ok"] for case, _ in results)
        differing = sum(bool(kinds) for _, kinds in results)
        chosen = "every piece" if pieces else f"seed {seed}"
        click.echo(f"{PACKAGES[0]}: {len(results)} flowcharts ({chosen}), {accepted} accepted")
        click.echo(f"{differing} differ")
        for name, number in Counter(name for _, name in found).most_common():
            click.echo(f"{number:>6}  {name}")
            differing_texts = sorted((text for text, other in found if other == name), key=len)
            for text in differing_texts[:examples]:
                click.echo(f"        {smallest(text, name, mermaid)!r}")
    sys.exit(min(len({name for _, name in found if name.startswith("!")}), 125))


if __name__ == "__main__":
    main()
