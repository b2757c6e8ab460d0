"""Drawing a file anew whenever it is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import awatch

from attn_dsl.serve.drawn import Drawn, Source, draw, stamps_of

LOOK = 1000
"""Milliseconds after which files are looked at even if nothing was heard of them."""


async def watch(source: Source, drawn: Drawn, show: Callable[[Drawn], None]) -> None:
    """Draw `source` again after each change of its files, and `show` that; runs until cancelled.

    `drawn` is how it is shown already. It is drawn on a thread of its own; a file that is saved
    meanwhile is drawn once more.
    """
    while True:
        files = drawn.stamps.keys()
        async for _ in awatch(
            *_folders(files),
            watch_filter=None,
            recursive=False,
            yield_on_timeout=True,
            rust_timeout=LOOK,
        ):
            if stamps_of(files) == drawn.stamps:
                continue
            drawn = await asyncio.to_thread(draw, source, drawn)
            show(drawn)
            if drawn.stamps.keys() != files:
                break  # to listen in other folders


def _folders(files: Iterable[Path]) -> set[Path]:
    """Where the files stand, and where links lead.

    Folders, since many an editor writes a new file and gives it the old one's name.
    """
    found = {parent for file in files for parent in (file.parent, file.resolve().parent)}
    return {folder for folder in found if folder.is_dir()}
