"""Settings that change nothing: misspelled ones, and those that others go before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attn_dsl.diagnostics import Diagnostic, nearest
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Lookup
from attn_dsl.semantics.settings import Settings

SHOWN = 8
"""How many settings are listed where none looks alike."""


def unused_settings(
    settings: Settings, sizes: Collection[str], lookups: Iterable[Lookup]
) -> Iterator[Diagnostic]:
    """What is set and changes nothing: an error in `--set`, a warning in the front matter.

    `sizes` are those that types mention.
    """
    lookups = list(lookups)
    answers = {lookup.answer for lookup in lookups}
    asked = {key for lookup in lookups for key in lookup.keys}
    for name in settings.dims:
        if name in sizes or name in answers:
            continue
        origin = settings.origin(name)
        if name not in asked:
            near = nearest(name, sorted({*sizes, *asked}))
            yield errors.unknown_setting(origin, near, _listing(sizes, asked))
            continue
        before = [lookup for lookup in lookups if name in lookup.keys]
        winners = dict.fromkeys(lookup.answer for lookup in before if lookup.answer)
        places = [lookup.place for lookup in before if lookup.place is not None]
        values = {str(settings.dims[winner]) for winner in winners}
        values |= {lookup.said for lookup in before if lookup.place is not None}
        if values == {str(settings.dims[name])}:
            continue  # it says the same
        by_call = settings.given.issuperset(winners) and not places
        if origin.given or not by_call:  # a default may give way to the call
            scoped = next((key for key in before[0].keys if key.count(".") == 1), "")
            yield errors.overridden(origin, list(winners), places, scoped, by_call=by_call)


def misspelled_settings(
    settings: Settings, sizes: Collection[str], lookups: Iterable[Lookup]
) -> Iterator[Diagnostic]:
    """Settings that look like others that are asked for, in a drawing with errors.

    What else is unknown may belong to a part of it that was not reached.
    """
    asked = {key for lookup in lookups for key in lookup.keys}
    for name in settings.dims:
        near = nearest(name, sorted({*sizes, *asked}))
        if near and name not in asked and name not in sizes:
            yield errors.unknown_setting(settings.origin(name), near, [])


def _listing(sizes: Collection[str], asked: Collection[str]) -> list[str]:
    """The sizes, then the settings that are the same for all."""
    bare = sorted(key for key in asked if "." not in key)
    found = list(dict.fromkeys([*sorted(sizes), *bare]))
    return found if len(found) <= SHOWN else [*found[:SHOWN], "…"]
