"""PyTorch: scaled_dot_product_attention with the mask that it needs, and FlexAttention."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from attn_dsl.bench.peers import NoPeer, Run, added_to_score, given, only_attention
from attn_dsl.bench.torch_source import flex_source
from attn_dsl.expr import SCORE, TRUE, Compare, Expr, Name, Number, evaluate, tensors_in
from attn_dsl.ir import Graph, Sizes
from attn_dsl.ir.binding import NDArray
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.ir.ops.scores import score_names

CAUSAL = Compare("<=", Name("k"), Name("q"))
MAX_SCORES = 2**31


def sdpa(graph: Graph, arrays: Mapping[str, NDArray], sizes: Sizes) -> Run:
    """torch.nn.functional.scaled_dot_product_attention, on as many threads as there are cores."""
    _, op = only_attention(graph)
    values = given(graph, arrays)
    query, key, value = (_tensor(values[name]) for name in (op.query, op.key, op.value))
    shape = (*query.shape[:-1], key.shape[-2])
    causal = op.mask == CAUSAL and op.score == SCORE and shape[-1] == shape[-2]
    mask = None if causal else _dense_mask(op, values, shape, sizes)
    scale = float(evaluate(op.scale, sizes.symbols, {}))
    torch.set_num_threads(os.cpu_count() or 1)

    def run() -> NDArray:
        with torch.no_grad():
            out = scaled_dot_product_attention(
                query,
                key,
                value,
                attn_mask=mask,
                is_causal=causal,
                scale=scale,
                enable_gqa=op.grouped,
            )
        return np.asarray(out)

    return run


def _dense_mask(
    op: TiledAttention, values: Mapping[str, NDArray], shape: tuple[int, ...], sizes: Sizes
) -> torch.Tensor | None:
    """The mask as a tensor of all scores, of as few heads as differ; made before the clock."""
    added = added_to_score(op.score)
    if shape[-1] * shape[-2] > MAX_SCORES:
        raise NoPeer("its mask would be a tensor of more than two thousand million scores")
    names = score_names(shape, sizes.symbols)
    keep = np.asarray(evaluate(op.mask, names, values))
    bias = np.asarray(evaluate(added, names, values), np.float32)
    if added == Number(0):
        return None if op.mask == TRUE else _tensor(_full(keep, shape))
    return _tensor(_full(np.where(keep, bias, np.float32(-np.inf)), shape))


def _full(mask: NDArray, shape: tuple[int, ...]) -> NDArray:
    """At least queries × keys, which SDPA asks for."""
    spread = np.broadcast_shapes(mask.shape, shape[-2:])
    return np.ascontiguousarray(np.broadcast_to(mask, spread))


def flex(graph: Graph, arrays: Mapping[str, NDArray], sizes: Sizes) -> Run:
    """torch.nn.attention.flex_attention, compiled; its block mask is made before the clock."""
    _, op = only_attention(graph)
    values = given(graph, arrays)
    query, key, value = (_four(_tensor(values[name])) for name in (op.query, op.key, op.value))
    batch, heads, queries = (int(size) for size in query.shape[:3])
    keys = int(key.shape[-2])
    functions = _functions(op, values, (batch, heads, queries, keys), sizes)
    blocks: Any = None
    if op.mask != TRUE:
        blocks = create_block_mask(functions["mask_mod"], batch, heads, queries, keys, "cpu")
    score = None if op.score == SCORE else functions["score_mod"]
    compiled: Any = torch.compile(flex_attention)
    scale = float(evaluate(op.scale, sizes.symbols, {}))

    def run() -> NDArray:
        with torch.no_grad():
            out = compiled(
                query,
                key,
                value,
                score_mod=score,
                block_mask=blocks,
                scale=scale,
                enable_gqa=op.grouped,
            )
        return np.asarray(out)

    return run


def _functions(
    op: TiledAttention, values: Mapping[str, NDArray], shape: tuple[int, ...], sizes: Sizes
) -> dict[str, Any]:
    """`score_mod` and `mask_mod`, printed from our own tree and compiled."""
    namespace: dict[str, Any] = dict(sizes.symbols)
    gathered: list[Expr] = [op.score, op.mask]
    whole = {name for expr in gathered for name in tensors_in(expr, gathered=False)}
    for name in op.captured:
        array = np.broadcast_to(values[name], shape) if name in whole else values[name]
        namespace[name] = _tensor(array)
    exec(compile(flex_source(op.score, op.mask), "<flex>", "exec"), namespace)
    return namespace


def _tensor(array: NDArray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))  # a copy, since it has to be writable


def _four(tensor: torch.Tensor) -> torch.Tensor:
    """FlexAttention wants batch and heads, and no more."""
    if tensor.dim() > 4:
        raise NoPeer("it takes four dims")
    return tensor.reshape((1,) * (4 - tensor.dim()) + tuple(tensor.shape))
