"""A diagram that was loaded: it shows itself in a notebook, and can be looked at and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attn_dsl.explanation import Explanation
from attn_dsl.kernel import Kernel
from attn_dsl.pipeline import Compiled, analyse, read
from attn_dsl.pipeline import load as load_kernel
from attn_dsl.render import Picture
from attn_dsl.views import VIEWS, Asked, picture_of


class Drawing:
    """A diagram in a file, or a text, with settings as in `--set`."""

    def __init__(self, source: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        """Raises DiagnosticError if there is no such file."""
        self._block = read(source)
        self._settings = dict(settings or {})

    @cached_property
    def _compiled(self) -> Compiled:
        return analyse(self._block, self._settings)

    def view(self, name: str = "diagram", **asked: Any) -> Picture:
        """A picture, as `attn render --view NAME` draws it; options as there, such as `depth=1`.

        Raises DiagnosticError for what is wrong with the diagram, ValueError for an unknown view
        and TypeError for an unknown option.
        """
        if name not in VIEWS:
            raise ValueError(f"there is no view {name!r}; views are {', '.join(VIEWS)}")
        return picture_of(self._block, name, self._settings, Asked(**asked))

    def explain(self) -> Explanation:
        """Types, what fused, what did not and why, and the tiles: a text, a table in notebooks."""
        return Explanation(self._compiled)

    def compile(self, target: str = "numpy", *, emulate: bool = False) -> Kernel:
        """The kernel, as `attn_dsl.compile` gives it."""
        return load_kernel(self._compiled, target, emulate=emulate)

    def _repr_svg_(self) -> str:
        """The drawing, which notebooks show."""
        return self.view()._repr_svg_()
