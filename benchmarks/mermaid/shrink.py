"""The smallest text that still shows a difference."""

from __future__ import annotations

import re
from collections.abc import Callable

Check = Callable[[list[str]], list[bool]]
"""Which of some texts still show the difference."""


def shrink(text: str, shows: Check) -> str:
    """Take lines, then words, then characters out of `text` for as long as it `shows`."""
    for pattern in (r"[^\n]*\n|[^\n]+", r"\w+|\s+|[^\w\s]+", r"(?s:.)"):
        text = _without(re.findall(pattern, text), shows)
    return text


def _without(parts: list[str], shows: Check) -> str:
    size = max(1, len(parts) // 2)
    while True:
        starts = range(0, len(parts), size)
        shorter = [parts[:start] + parts[start + size :] for start in starts]
        found = shows(["".join(candidate) for candidate in shorter])
        if True in found:
            parts = shorter[found.index(True)]
        elif size == 1:
            return "".join(parts)
        else:
            size //= 2
