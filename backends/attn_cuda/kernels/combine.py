"""One result of those that blocks leave which share queries: each had a part of the keys."""

from __future__ import annotations

from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.sizes import tiles, times
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import THREADS, Launch, Operand
from attn_dsl.expr import Call, Compare, Expr, Number
from attn_dsl.ir import Dim

COMBINE = """\
// out = the mean of what several parts of the keys gave, each weighted by its share of the sum of
// all weights{also}. The 32 threads of a warp share a row.
template <{types}>
__global__ void __launch_bounds__(THREADS)
{name}(View<const float> parts, View<const float> sums, View<Out> out,{lse}
              long long count, long long heads, long long rows, long long columns,
              long long splits) {{
    const long long n = blockIdx.x * (THREADS / 32LL) + threadIdx.x / 32;
    if (n >= count) return;
    const long long q = n % rows, head = n / rows, h = head % heads, b = head / heads;
    const int lane = threadIdx.x % 32;

    float highest = -INFINITY;
    for (long long i = 0; i < splits; ++i) highest = fmaxf(highest, sums.at(i, head, q, 0));
    // A row that sees no key has no weight in any part: it becomes 0.
    const float shift = highest == -INFINITY ? 0.0f : highest;
    float total = 0.0f;
    for (long long i = 0; i < splits; ++i) total += expf(sums.at(i, head, q, 0) - shift);
    for (long long e = lane; e < columns; e += 32) {{
        float sum = 0.0f;
        for (long long i = 0; i < splits; ++i) {{
            sum += expf(sums.at(i, head, q, 0) - shift) * parts.at(i, head, q, e);
        }}
        out.at(b, h, q, e) = Out(total == 0.0f ? 0.0f : sum / total);
    }}{store}
}}
"""
LSE = " View<Lse> lse,"
STORE = "\n    if (lane == 0) lse.at(b, h, q, 0) = Lse(highest + logf(total));"


def combine_launch(
    unit: Unit,
    parts: tuple[Operand, Operand],
    results: list[Operand],
    dims: tuple[Dim, Dim, Dim, Dim],
    splits: Expr,
) -> Launch:
    """The kernel for a result with these dims, and its log-sum-exp if there is one."""
    batch, heads, rows, columns = dims
    names = [c_type(unit, result.value) for result in results]
    beside = len(results) > 1
    text = COMBINE.format(
        name="combine_with_lse" if beside else "combine_parts",
        types="typename Out, typename Lse" if beside else "typename Out",
        also=", and lse = the logarithm of that sum" * beside,
        lse=LSE * beside,
        store=STORE * beside,
    )
    count = batch.to_expr(), heads.to_expr(), rows.to_expr()
    total = times(*count)
    needed = Call(
        "where", (Compare(">", splits, Number(1)), tiles(total, THREADS // 32), Number(0))
    )
    title = f"{results[0].value} = its parts together, where there are several"
    kernel = f"{'combine_with_lse' if beside else 'combine_parts'}<{', '.join(names)}>"
    numbers = (total, count[1], count[2], columns.to_expr(), splits)
    return Launch(title, kernel, text, fold(needed), (*parts, *results), numbers)
