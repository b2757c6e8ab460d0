"""Small device functions. A file gets those that it uses, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attn_cuda.cxx.intrinsics import INTRINSICS, print_intrinsics
from attn_cuda.cxx.products import (
    COPY_SLICE,
    LOAD_SLICE,
    MMA_PRODUCT,
    SINUSOID,
    TILE_PRODUCT,
)

VIEW = """\
// A tensor in device memory. Element (b, h, q, k) lies at the sum of index times stride; a stride
// of 0 repeats the same elements, which is broadcasting, and two strides swapped are a transpose.
template <typename T>
struct View {
    T* data;
    long long batch, head, row, column;

    __device__ T& at(long long b, long long h, long long q, long long k) const {
        return data[b * batch + h * head + q * row + k * column];
    }
};
"""

NUMBER = """\
// A number of 16 bits as it lies in memory: {what}. Kernels compute with floats.
struct {name} {{
    unsigned short bits;

    {name}() = default;
    __device__ explicit {name}(float x) : bits(round_to_{name}(x)) {{}}
    __device__ explicit operator float() const {{ return {widened}; }}
}};
"""
WIDENED_BF16 = "__uint_as_float(unsigned(bits) << 16)"

HELPERS = {
    "f16": NUMBER.format(name="f16", what="IEEE's half", widened="widen_f16(bits)"),
    "bf16": NUMBER.format(name="bf16", what="the upper half of a float", widened=WIDENED_BF16),
    "sinusoid": SINUSOID,
    "load_slice": LOAD_SLICE,
    "tile_product": TILE_PRODUCT,
    "copy_slice": COPY_SLICE,
    "mma_product_f16": MMA_PRODUCT.format(element="f16"),
    "mma_product_bf16": MMA_PRODUCT.format(element="bf16"),
    "floor_divide": """\
// Python's //: rounds down, also below zero, where C rounds towards zero. By 0 it gives 0.
__host__ __device__ constexpr long long floor_divide(long long x, long long y) {
    if (y == 0) return 0;
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}
""",
    "floor_modulo": """\
// Python's %: has the sign of y, where C's has that of x. By 0 it gives 0.
__host__ __device__ inline long long floor_modulo(long long x, long long y) {
    if (y == 0) return 0;
    const long long m = x % y;
    return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}
""",
    "real_modulo": """\
// Python's % of real numbers: has the sign of y, where C's fmod has that of x.
__host__ __device__ inline double real_modulo(double x, double y) {
    const double m = fmod(x, y);
    return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}
""",
    "real_divide": """\
// Python's // of real numbers. Without the remainder the division is all but exact.
__host__ __device__ inline double real_divide(double x, double y) {
    return y == 0 ? x / y : rint((x - real_modulo(x, y)) / y);
}
""",
    "power": """\
// x to the n, in whole numbers.
__host__ __device__ inline long long power(long long x, int n) {
    long long result = 1;
    for (int i = 0; i < n; ++i) result *= x;
    return result;
}
""",
    "smaller": """\
__host__ __device__ inline long long smaller(long long x, long long y) { return x < y ? x : y; }
""",
    "larger": """\
__host__ __device__ inline long long larger(long long x, long long y) { return x > y ? x : y; }
""",
    "lane_max": """\
// The largest of the values that LANES neighbouring threads have, for each of them.
template <int LANES>
__device__ float lane_max(float x) {
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        x = fmaxf(x, shuffle_xor(x, offset));
    }
    return x;
}
""",
    "lane_sum": """\
// The sum of the values that LANES neighbouring threads have, for each of them.
template <int LANES>
__device__ float lane_sum(float x) {
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        x += shuffle_xor(x, offset);
    }
    return x;
}
""",
    "copy_rows": """\
// Starts to copy rows of DIMS numbers into a tile, by THREADS threads. Rows from `count` on, rows
// that are not there, and what is behind DIMS become 0; the last 8 numbers of a row stay unused.
template <int THREADS, int DIMS, typename T, int ROWS, int WIDTH, typename RowAt>
__device__ void copy_rows(T (&tile)[ROWS][WIDTH], int count, RowAt row_at) {
    constexpr int PIECES = (WIDTH - 8) / 8;  // of 16 bytes
    #pragma unroll 1  // more at once would cost registers
    for (int n = threadIdx.x; n < ROWS * PIECES; n += THREADS) {
        const int row = n / PIECES, d = n % PIECES * 8;
        const T* from = row < count && d < DIMS ? row_at(row) : nullptr;
        copy_async(&tile[row][d], from == nullptr ? from : from + d, from == nullptr ? 0 : 16);
    }
}
""",
    "Masked": """\
// The two kinds of tiles of keys, for which code is compiled apart: those of which nothing is
// hidden, and all others.
struct Whole {
    static constexpr bool MASKED = false;
};
struct Masked {
    static constexpr bool MASKED = true;
};
""",
    "tile_range": """\
// The least and the greatest value over `count` indices from `first` on. Every warp finds them for
// itself, so all threads know them without a barrier. Both are NaN if a value is NaN or infinite.
template <typename T, typename Value>
__device__ void tile_range(long long first, int count, T& least, T& greatest, Value value) {
    T zero = 0;
    least = greatest = T(value(first));
    for (int i = threadIdx.x % 32; i < count; i += 32) {
        const T x = T(value(first + i));
        least = x < least ? x : least;
        greatest = x > greatest ? x : greatest;
        zero += x - x;
    }
    for (int offset = 16; offset > 0; offset /= 2) {
        const T low = shuffle_xor(least, offset);
        const T high = shuffle_xor(greatest, offset);
        least = low < least ? low : least;
        greatest = high > greatest ? high : greatest;
        zero += shuffle_xor(zero, offset);
    }
    least += zero;
    greatest += zero;
}
""",
}


def gather(rank: int) -> str:
    """The function that reads an element of a tensor with `rank` dims."""
    axes = ("b", "h", "q", "k")[4 - rank :]
    sizes = ", ".join(f"long long {axis}_size" for axis in axes)
    places = ", ".join(f"long long {axis}" for axis in axes)
    inside = " && ".join(f"{axis} >= 0 && {axis} < {axis}_size" for axis in axes)
    element = ", ".join(["0"] * (4 - rank) + list(axes))
    return f"""\
// An element of a tensor of {rank} dims with these sizes: 0 where an index is out of range.
template <typename T>
__device__ T gather(View<const T> x, {sizes}, {places}) {{
    const bool inside = {inside};
    return inside ? x.at({element}) : T(0);
}}
"""


def helpers_for(text: str, gather_ranks: Iterable[int]) -> list[str]:
    """The functions and types that `text` uses, each after those that it uses itself."""
    found: list[str] = []
    queue = [text]
    while queue:
        code = queue.pop()
        for name, helper in HELPERS.items():
            if helper not in found and mentions(code, name):
                found.append(helper)
                queue.append(helper)
    ordered = [helper for helper in HELPERS.values() if helper in found]
    code = "\n".join([text, *found])
    intrinsics = print_intrinsics([name for name in INTRINSICS if mentions(code, name)])
    return [*intrinsics, *ordered, *(gather(rank) for rank in sorted(set(gather_ranks)))]


def mentions(code: str, name: str) -> bool:
    """Whether the identifier `name` is used in `code`, other than as a member of something."""
    return re.search(rf"(?<![\w.]){name}(?!\w)", strip_comments(code)) is not None


def strip_comments(code: str) -> str:
    """`code` without its `//` comments."""
    return re.sub(r"//.*", "", code)
