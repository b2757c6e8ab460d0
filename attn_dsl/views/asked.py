"""What a picture is asked to show, beside the drawing."""

from __future__ import annotations

from dataclasses import dataclass, fields

Tokens = tuple[tuple[str, ...], ...]
Head = tuple[int, int | None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """None for what was not said.

    `depth` is how deep subgraphs are open, `no_types` leaves types out, `diff` is the pass whose
    changes are shown. `inputs` is a file of arrays by input name; those that it lacks are drawn
    with `seed`. `of` is the name of an attention, `head` its batch and head, None there for all
    heads; `tokens` are lists of what queries and keys are called. `tile_size` is how many queries
    and keys a tile holds.
    """

    depth: int | None = None
    no_types: bool | None = None
    diff: str | None = None
    inputs: str | None = None
    seed: int | None = None
    of: str | None = None
    head: Head | None = None
    tokens: Tokens | None = None
    tile_size: tuple[int, int] | None = None

    @property
    def said(self) -> list[str]:
        """The names of what was said, as options."""
        named = (field.name for field in fields(self) if getattr(self, field.name) is not None)
        return [f"--{name.replace('_', '-')}" for name in named]
