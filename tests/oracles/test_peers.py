"""PyTorch's SDPA and FlexAttention on every variant: the peers of `attn bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

from attn_dsl.bench import compare, torch_peers  # noqa: E402
from attn_dsl.ir import Sizes  # noqa: E402
from attn_dsl.pipeline import build  # noqa: E402
from attn_dsl.sample import default_sizes  # noqa: E402
from attn_dsl.semantics import Settings  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
VARIANTS = sorted((EXAMPLES / "variants").glob("*.attn"))
NOT_ADDED = {"soft_cap", "temperature"}
OTHERS = {"attention_sinks", "decode", "differential", "latent", "log_sum_exp"}
OTHERS |= {"multi_query", "paged_cache", "sigmoid"}
"""What no peer is asked to compute."""
SIZES = {"B": 2, "H": 4, "G": 2, "N": 40, "M": 40, "D": 8, "E": 8}


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_peers_agree(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eager = "torch.nn.attention.flex_attention._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
    monkeypatch.setattr(eager, True)
    monkeypatch.setattr(torch, "compile", lambda function: function)
    kernel = build(path)
    sizes = default_sizes(kernel.program.graph, Settings(SIZES))
    record = compare(kernel, [Sizes(sizes.symbols, sizes.batch)], torch_peers(), repeat=1)
    (point,) = record.points
    absent = ["torch SDPA"] * (path.stem in NOT_ADDED)
    assert [a.name for a in point.absent] == (
        list(torch_peers()) if path.stem in OTHERS else absent
    )
    for name, difference in point.differences.items():
        assert difference < 1e-4, name
    assert np.isfinite(list(point.differences.values())).all()
