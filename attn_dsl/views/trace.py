"""What an attention computes, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attn_dsl.pipeline import analyse
from attn_dsl.render import Picture
from attn_dsl.render.trace import trace_picture
from attn_dsl.syntax import Block
from attn_dsl.views.asked import Asked
from attn_dsl.views.given import read_given


def trace_of(block: Block, settings: Mapping[str, Any], asked: Asked) -> Picture:
    """The four steps of an attention on few tokens, or heat maps of its heads on more.

    Raises ValueError and TypeError for inputs that do not fit.
    """
    compiled = analyse(block, settings)
    arrays, tokens = read_given(compiled.fused, compiled.settings, asked)
    return trace_picture(compiled.fused, arrays, asked.of or "", asked.head, tokens)
