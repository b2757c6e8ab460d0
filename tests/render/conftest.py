from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.diagnostics import Source
from attn_dsl.pipeline import Compiled, analyse
from attn_dsl.syntax import Diagram, parse, read_document

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def diagram() -> Callable[[str], Diagram]:
    """Parses a text."""
    return lambda text: parse(Source("test.mmd", text), 0, len(text))


@pytest.fixture
def compiled() -> Callable[[str], Compiled]:
    """Compiles one of the examples, by its file's name."""
    return lambda name: analyse(read_document(str(EXAMPLES / name)), {})
