"""Kernels that differ in names alone: one of them is enough, as where layers repeat."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from attn_cuda.cxx.helpers import strip_comments
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import Launch

WORD = re.compile(r"[A-Za-z_]\w*")


def share_kernels(unit: Unit, launches: Iterable[Launch]) -> list[Launch]:
    """The launches, each of a kernel with the text of the first that does the same.

    Values and kernels are numbered by where a text first mentions them. Texts that are equal then
    take the same parameters in the same order, whatever they call them. Comments and the ends of
    lines do not count.
    """
    ours = {*unit.graph.table, *unit.between, *unit.kernels.values()}
    ours |= {f"{kernel}_tiles" for kernel in unit.kernels.values()}
    first: dict[str, Launch] = {}
    shared = []
    for launch in launches:
        names: dict[str, str] = {}

        def number(match: re.Match[str], names: dict[str, str] = names) -> str:
            word = match[0]
            return names.setdefault(word, f"#{len(names)}") if word in ours else word

        code = " ".join([launch.kernel, *strip_comments(launch.text).split()])
        other = first.setdefault(WORD.sub(number, code), launch)
        shared.append(replace(launch, kernel=other.kernel, text=other.text, shared=other.shared))
    return shared
