"""Kernels that are the same in every file: matrix products, softmax, copies."""

from __future__ import annotations

from collections.abc import Iterator

from attn_cuda.cxx.sizes import count, divides, tiles, times
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import THREADS, Launch, Operand
from attn_dsl.expr import Binary, Expr
from attn_dsl.ir import Dim, Statement
from attn_dsl.ir.ops import Concatenate, MatMul, RepeatHeads, Softmax

MATMUL = """\
// out = lhs rhs. A block computes a tile of 64 x 64 elements; slices of lhs and rhs, 16 deep, pass
// through shared memory, and each thread keeps 4 x 4 elements of the tile in registers.
__global__ void __launch_bounds__(THREADS)
matmul(View<const float> lhs, View<const float> rhs, View<float> out, long long heads,
       long long rows, long long columns, long long inner) {
    constexpr int TILE = 64, DEPTH = 16;
    __shared__ float lhs_tile[DEPTH][TILE + 4];  // transposed: a thread's rows lie side by side
    __shared__ float rhs_tile[DEPTH][TILE];
    const int lane = threadIdx.x % 16, group = threadIdx.x / 16;
    const long long across = (columns + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    const long long column_first = blockIdx.x % across * TILE;
    const long long row_first = blockIdx.x / across % down * TILE;
    const long long h = blockIdx.x / across / down % heads;
    const long long b = blockIdx.x / across / down / heads;

    float sums[4][4] = {};
    for (long long first = 0; first < inner; first += DEPTH) {
        // Elements past the end read as 0, which adds nothing.
        for (int n = threadIdx.x; n < TILE * DEPTH; n += THREADS) {
            const int row = n / DEPTH, d = n % DEPTH;
            const bool inside = row_first + row < rows && first + d < inner;
            lhs_tile[d][row] = inside ? lhs.at(b, h, row_first + row, first + d) : 0.0f;
        }
        for (int n = threadIdx.x; n < TILE * DEPTH; n += THREADS) {
            const int d = n / TILE, column = n % TILE;
            const bool inside = first + d < inner && column_first + column < columns;
            rhs_tile[d][column] = inside ? rhs.at(b, h, first + d, column_first + column) : 0.0f;
        }
        __syncthreads();  // the slices are complete
        for (int d = 0; d < DEPTH; ++d) {
            for (int i = 0; i < 4; ++i) {
                for (int j = 0; j < 4; ++j) {
                    sums[i][j] += lhs_tile[d][4 * group + i] * rhs_tile[d][lane + 16 * j];
                }
            }
        }
        __syncthreads();  // nobody reads the slices any more
    }
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            const long long row = row_first + 4 * group + i, column = column_first + lane + 16 * j;
            if (row < rows && column < columns) out.at(b, h, row, column) = sums[i][j];
        }
    }
}
"""

SOFTMAX = """\
// out = softmax of each row of x. The 32 threads of a warp share a row.
__global__ void __launch_bounds__(THREADS)
softmax_rows(View<const float> x, View<float> out, long long count, long long heads,
             long long rows, long long columns) {
    const long long n = blockIdx.x * (THREADS / 32LL) + threadIdx.x / 32;
    if (n >= count) return;
    const long long q = n % rows, h = n / rows % heads, b = n / rows / heads;
    const int lane = threadIdx.x % 32;

    float highest = -INFINITY;
    for (long long k = lane; k < columns; k += 32) highest = fmaxf(highest, x.at(b, h, q, k));
    highest = lane_max<32>(highest);
    // A row that is -inf throughout is not shifted, as -inf minus -inf is no number: it becomes 0.
    const float shift = highest == -INFINITY ? 0.0f : highest;
    float total = 0.0f;
    for (long long k = lane; k < columns; k += 32) total += expf(x.at(b, h, q, k) - shift);
    total = lane_sum<32>(total);
    for (long long k = lane; k < columns; k += 32) {
        out.at(b, h, q, k) = total == 0.0f ? 0.0f : expf(x.at(b, h, q, k) - shift) / total;
    }
}
"""


COPY = """\
// out = x, element by element: an output has its own memory.
template <typename T>
__global__ void __launch_bounds__(THREADS)
copy(View<const T> x, View<T> out, long long count, long long heads, long long rows,
     long long columns) {
    const long long n = blockIdx.x * (long long)THREADS + threadIdx.x;
    if (n >= count) return;
    const long long k = n % columns, q = n / columns % rows;
    const long long h = n / columns / rows % heads, b = n / columns / rows / heads;
    out.at(b, h, q, k) = x.at(b, h, q, k);
}
"""

REPEAT = """\
// out = x, of which each head serves `each` heads, one after the other.
__global__ void __launch_bounds__(THREADS)
repeat_heads(View<const float> x, View<float> out, long long count, long long heads,
             long long rows, long long columns, long long each) {
    const long long n = blockIdx.x * (long long)THREADS + threadIdx.x;
    if (n >= count) return;
    const long long k = n % columns, q = n / columns % rows;
    const long long h = n / columns / rows % heads, b = n / columns / rows / heads;
    out.at(b, h, q, k) = x.at(b, h / each, q, k);
}
"""


def elements(dims: tuple[Dim, ...]) -> tuple[Expr, ...]:
    """What a kernel with a thread for each element is told: their count, and all dims but one."""
    return count(dims), *(dim.to_expr() for dim in dims[1:])


def _blocks(dims: tuple[Dim, ...]) -> Expr:
    return tiles(count(dims), THREADS)


def matmul_launch(unit: Unit, statement: Statement, op: MatMul) -> Launch:
    """The tiled matrix product."""
    batch, heads, rows, columns = unit.shape(statement.name)
    inner = unit.graph.types[op.lhs].dims[-1]
    across, down = (tiles(dim.to_expr(), 64) for dim in (columns, rows))
    blocks = times(across, down, heads.to_expr(), batch.to_expr())
    sizes = [dim.to_expr() for dim in (heads, rows, columns, inner)]
    operands = Operand(op.lhs), Operand(op.rhs), Operand(statement.name, written=True)
    title = f"{statement.name} = {op.lhs} {op.rhs}"
    return Launch(title, "matmul", MATMUL, blocks, operands, sizes)


def softmax_launch(unit: Unit, statement: Statement, op: Softmax) -> Launch:
    """Softmax along any axis: the axis takes the place of the last one by its stride."""
    order = [0, 1, 2, 3]
    order[op.axis], order[3] = 3, order[op.axis]
    axes = order[0], order[1], order[2], order[3]
    shape = unit.shape(statement.name)
    dims = tuple(shape[axis] for axis in axes)
    rows = count(dims[:3])
    sizes = [dim.to_expr() for dim in dims[1:]]
    operands = Operand(op.x, axes=axes), Operand(statement.name, written=True, axes=axes)
    title = f"{statement.name} = softmax({op.x}), axis {op.axis}"
    blocks = tiles(rows, THREADS // 32)
    return Launch(title, "softmax_rows", SOFTMAX, blocks, operands, (rows, *sizes))


def copy_launch(unit: Unit, value: str, out: Operand) -> Launch:
    """An output that is an input, or a transpose of something, or was returned before."""
    dims = unit.shape(value)
    kernel = f"copy<{c_type(unit, value)}>"
    title = f"{out.memory} = {value}"
    tensors = Operand(value), out
    return Launch(title, kernel, COPY, _blocks(dims), tensors, elements(dims))


def repeat_heads_launch(unit: Unit, statement: Statement, op: RepeatHeads) -> Launch:
    """Copies of heads, for what is not fused."""
    dims, groups = unit.shape(statement.name), unit.shape(op.x)[1]
    each = Binary("//", dims[1].to_expr(), groups.to_expr())
    operands = Operand(op.x), Operand(statement.name, written=True)
    title = f"{statement.name} = {op.x}, its heads repeated"
    numbers = (*elements(dims), each)
    requires = divides(dims[1], groups)
    return Launch(
        title, "repeat_heads", REPEAT, _blocks(dims), operands, numbers, requires=requires
    )


def concatenate_launches(unit: Unit, statement: Statement, op: Concatenate) -> Iterator[Launch]:
    """A copy of each part to its place; a part that broadcasts is read as often as it takes."""
    shape, axis = unit.shape(statement.name), op.axis + 4
    first = Dim.of(0)
    for part in op.parts:
        dims = (*shape[:axis], unit.shape(part)[axis], *shape[axis + 1 :])
        offset = count((first, *shape[axis + 1 :])) if first != Dim.of(0) else None
        target = Operand(statement.name, written=True, offset=offset)
        title = f"{statement.name} = {', '.join(op.parts)} along axis {op.axis}"
        kernel = f"copy<{c_type(unit, statement.name)}>"
        yield Launch(title, kernel, COPY, _blocks(dims), (Operand(part), target), elements(dims))
        first = first + unit.shape(part)[axis]
