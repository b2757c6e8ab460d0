"""PyTorch on a GPU: inputs, a plain reference, SDPA by its backends, FlexAttention, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from gpu_cases import CAP, DOCUMENT, WINDOW, Case
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

Run = Callable[[], Any]
AHEAD = 4_000_000
"""Cycles that the GPU waits before the clock starts, some 2 ms: then all that is measured is
already in the queue, and no time of the processor is in it."""


def draw(case: Case, document: int = DOCUMENT, device: str = "cuda") -> dict[str, Any]:
    """Unit-normal queries, keys and values; documents of one length; ALiBi's slopes."""
    generator = torch.Generator(device).manual_seed(0)
    shape = (case.batch, case.heads, case.length, case.head_dim)
    options: dict[str, Any] = {"generator": generator, "device": device}
    arrays = {name: torch.randn(shape, **options).to(torch.bfloat16) for name in "QKV"}
    if case.kind.name == "documents":
        doc = torch.arange(case.length, device=device, dtype=torch.int32) // document
        arrays["doc"] = doc.repeat(case.batch, 1)
    if case.kind.name == "ALiBi":
        heads = torch.arange(1, case.heads + 1, device=device, dtype=torch.float32)
        arrays["slope"] = 2 ** (-8 * heads / case.heads)
    return arrays


def mask_of(case: Case, arrays: Mapping[str, Any]) -> Callable[..., Any] | None:
    """The mask as FlexAttention takes it."""
    match case.kind.name:
        case "full":
            return None
        case "window":
            return lambda b, h, q, k: (k <= q) & (q - k < WINDOW)
        case "documents":
            doc = arrays["doc"]
            return lambda b, h, q, k: doc[b, q] == doc[b, k]
    return lambda b, h, q, k: k <= q


def score_of(case: Case, arrays: Mapping[str, Any]) -> Callable[..., Any] | None:
    """What is done to a score."""
    match case.kind.name:
        case "ALiBi":
            slope = arrays["slope"]
            return lambda s, b, h, q, k: s - slope[h] * (q - k)
        case "soft cap":
            return lambda s, b, h, q, k: CAP * torch.tanh(s / CAP)
    return None


def plain(case: Case, arrays: Mapping[str, Any], dtype: Any) -> Any:
    """Step by step in `dtype`, all scores at once: for small sizes."""
    q, k, v = (arrays[name].to(dtype) for name in "QKV")
    scores = q @ k.transpose(-1, -2) / case.head_dim**0.5
    sizes = zip("bhqk", scores.shape, strict=True)
    b, h, i, j = (
        torch.arange(size, device=q.device).view([-1 if axis == name else 1 for axis in "bhqk"])
        for name, size in sizes
    )
    if (change := score_of(case, arrays)) is not None:
        scores = change(scores, b, h, i, j).to(dtype)
    if (mask := mask_of(case, arrays)) is not None:
        scores = scores.masked_fill(~mask(b, h, i, j), float("-inf"))
    return torch.softmax(scores, -1) @ v


def peers(case: Case, arrays: Mapping[str, Any], *, with_flex: bool) -> dict[str, Run]:
    """Who computes the same: SDPA where there is no mask or a causal one, FlexAttention always."""
    found: dict[str, Run] = {}
    if case.kind.plain:
        found["SDPA flash"] = _sdpa(case, arrays, SDPBackend.FLASH_ATTENTION)
        found["SDPA cuDNN"] = _sdpa(case, arrays, SDPBackend.CUDNN_ATTENTION)
    if with_flex:
        found["FlexAttention"] = _flex(case, arrays)
    return found


def _sdpa(case: Case, arrays: Mapping[str, Any], backend: SDPBackend) -> Run:
    q, k, v = (arrays[name] for name in "QKV")

    def run() -> Any:
        with sdpa_kernel(backend):
            return scaled_dot_product_attention(q, k, v, is_causal=case.kind.causal)

    return run


def _flex(case: Case, arrays: Mapping[str, Any]) -> Run:
    """Compiled for these sizes; its block mask is made before the clock."""
    q, k, v = (arrays[name] for name in "QKV")
    mask, blocks = mask_of(case, arrays), None
    if mask is not None:
        batch = case.batch if "doc" in arrays else None
        blocks = create_block_mask(mask, batch, None, case.length, case.length, q.device)
    torch.compiler.reset()
    compiled: Any = torch.compile(flex_attention, dynamic=False)
    return lambda: compiled(q, k, v, score_mod=score_of(case, arrays), block_mask=blocks)


def milliseconds(runs: Mapping[str, Run], repeat: int) -> dict[str, list[float]]:
    """What each run takes of the GPU by its own clock, turn by turn."""
    for run in runs.values():
        run()
    events: dict[str, list[tuple[Any, Any]]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, run in runs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda._sleep(AHEAD)
            start.record()
            run()
            end.record()
            events[name].append((start, end))
        torch.cuda.synchronize()
    return {name: [a.elapsed_time(b) for a, b in pairs] for name, pairs in events.items()}


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Of the repeats, in milliseconds."""
    return {name: median(values) for name, values in times.items()}
