"""The matrix product of one block, in float on the GPU's ordinary units."""

LOAD_SLICE = """\
// TILE lines of a matrix, DEPTH elements of each, transposed: a thread's lines lie side by side.
// Elements past the end are 0, which adds nothing. Threads that are neighbours read neighbours.
template <int TILE, int DEPTH, typename T>
__device__ void load_slice(float (&slice)[DEPTH][TILE + 4], const T* x, long long line_stride,
                           long long depth_stride, long long lines, long long depth) {
    for (int n = threadIdx.x; n < TILE * DEPTH; n += THREADS) {
        const int line = depth_stride == 1 ? n / DEPTH : n % TILE;
        const int d = depth_stride == 1 ? n % DEPTH : n / TILE;
        const bool inside = line < lines && d < depth;
        slice[d][line] = inside ? float(x[line * line_stride + d * depth_stride]) : 0.0f;
    }
}
"""

TILE_PRODUCT = """\
// lhs rhs: a block computes a tile of 64 x 64 elements, and hands each to `store` with its place.
// Slices of lhs and rhs, 16 deep, pass through shared memory, and each thread keeps 4 x 4 sums.
template <typename Lhs, typename Rhs, typename Store>
__device__ void tile_product(View<const Lhs> lhs, View<const Rhs> rhs, long long heads,
                             long long rows, long long columns, long long inner, Store store) {
    constexpr int TILE = 64, DEPTH = 16;
    __shared__ float lhs_slice[DEPTH][TILE + 4], rhs_slice[DEPTH][TILE + 4];
    const int lane = threadIdx.x % 16, group = threadIdx.x / 16;
    const long long across = (columns + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    const long long column_first = blockIdx.x % across * TILE;
    const long long row_first = blockIdx.x / across % down * TILE;
    const long long h = blockIdx.x / across / down % heads;
    const long long b = blockIdx.x / across / down / heads;

    float sums[4][4] = {};
    for (long long first = 0; first < inner; first += DEPTH) {
        load_slice<TILE>(lhs_slice, &lhs.at(b, h, row_first, first), lhs.row, lhs.column,
                         rows - row_first, inner - first);
        load_slice<TILE>(rhs_slice, &rhs.at(b, h, first, column_first), rhs.column, rhs.row,
                         columns - column_first, inner - first);
        __syncthreads();  // the slices are complete
        for (int d = 0; d < DEPTH; ++d) {
            for (int i = 0; i < 4; ++i) {
                for (int j = 0; j < 4; ++j) {
                    sums[i][j] += lhs_slice[d][4 * group + i] * rhs_slice[d][lane + 16 * j];
                }
            }
        }
        __syncthreads();  // nobody reads the slices any more
    }
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            const long long row = row_first + 4 * group + i, column = column_first + lane + 16 * j;
            if (row < rows && column < columns) store(b, h, row, column, sums[i][j]);
        }
    }
}
"""

SINUSOID = """\
// The positional encoding of a column: sines at several speeds, each with its cosine beside it.
// In double, as an angle has as many digits before the point as the position.
__device__ inline double sinusoid(long long position, long long column, long long width) {
    const double angle = position / pow(10000.0, double(column - column % 2) / double(width));
    return column % 2 == 0 ? sin(angle) : cos(angle);
}
"""
