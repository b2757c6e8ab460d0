"""The matrix product of one block: in float on ordinary units, of 16 bits on tensor cores."""

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
        barrier();  // the slices are complete
        for (int d = 0; d < DEPTH; ++d) {
            for (int i = 0; i < 4; ++i) {
                for (int j = 0; j < 4; ++j) {
                    sums[i][j] += lhs_slice[d][4 * group + i] * rhs_slice[d][lane + 16 * j];
                }
            }
        }
        barrier();  // nobody reads the slices any more
    }
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
            const long long row = row_first + 4 * group + i, column = column_first + lane + 16 * j;
            if (row < rows && column < columns) store(b, h, row, column, sums[i][j]);
        }
    }
}
"""

COPY_SLICE = """\
// TILE lines of a matrix, DEPTH numbers of each; those past the end are 0. Where 8 numbers lie at a
// multiple of 16 bytes they arrive by themselves; else threads move one after the other.
template <int TILE, int DEPTH, typename T>
__device__ void copy_slice(T (&slice)[TILE][DEPTH + 8], const T* x, long long line_stride,
                           long long depth_stride, long long lines, long long depth) {
    const bool whole = reinterpret_cast<unsigned long long>(x) % 16 == 0 && line_stride % 8 == 0;
    if (depth_stride == 1 && whole) {
        for (int n = threadIdx.x; n < TILE * DEPTH / 8; n += THREADS) {
            const int line = n / (DEPTH / 8), d = n % (DEPTH / 8) * 8;
            const long long left = line < lines && d < depth ? depth - d : 0;
            const T* from = left > 0 ? x + line * line_stride + d : nullptr;
            copy_async(&slice[line][d], from, left < 8 ? 2 * int(left) : 16);
        }
        return;
    }
    for (int n = threadIdx.x; n < TILE * DEPTH; n += THREADS) {
        const int line = depth_stride == 1 ? n / DEPTH : n % TILE;
        const int d = depth_stride == 1 ? n % DEPTH : n / TILE;
        const bool inside = line < lines && d < depth;
        slice[line][d] = inside ? x[line * line_stride + d * depth_stride] : T(0.0f);
    }
}
"""

MMA_PRODUCT = """\
// lhs rhs on tensor cores: a block computes a tile of 128 x 128 elements, and hands each to `store`
// with its place. Each of its 8 warps has 64 x 32 of them. Slices of lhs and rhs are 32 deep: while
// some are multiplied in one half of the shared memory, the next ones arrive in the other.
template <typename Store>
__device__ void mma_product_{element}(View<const {element}> lhs, View<const {element}> rhs,
                                 long long heads, long long rows, long long columns,
                                 long long inner, Store store) {{
    constexpr int TILE = 128, DEPTH = 32;
    using Slices = {element}[2][TILE][DEPTH + 8];  // rows of 80 bytes: 8 of them fill all banks
    __shared__ float4 memory[2 * sizeof(Slices) / 16];
    Slices& lhs_slice = *reinterpret_cast<Slices*>(memory);
    Slices& rhs_slice = *reinterpret_cast<Slices*>(memory + sizeof(Slices) / 16);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int warp_row = warp / 4 * 64, warp_column = warp % 4 * 32;
    const long long across = (columns + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    const long long column_first = blockIdx.x % across * TILE;
    const long long row_first = blockIdx.x / across % down * TILE;
    const long long h = blockIdx.x / across / down % heads;
    const long long b = blockIdx.x / across / down / heads;
    const auto copy_slices = [&](long long first, int stage) {{
        if (first < inner) {{
            copy_slice<TILE, DEPTH>(lhs_slice[stage], &lhs.at(b, h, row_first, first), lhs.row,
                                    lhs.column, rows - row_first, inner - first);
            copy_slice<TILE, DEPTH>(rhs_slice[stage], &rhs.at(b, h, first, column_first),
                                    rhs.column, rhs.row, columns - column_first, inner - first);
        }}
        commit_copies();
    }};

    float sums[4][4][4] = {{}};  // of 16 rows and 8 columns: two in a row, two in row + 8
    copy_slices(0, 0);
    for (long long first = 0; first < inner; first += DEPTH) {{
        const int stage = first / DEPTH % 2;
        copy_slices(first + DEPTH, 1 - stage);
        wait_for_copies<1>();
        barrier();  // these slices are complete
        for (int d = 0; d < DEPTH; d += 16) {{
            unsigned row[4][4], column[2][4];
            for (int i = 0; i < 4; ++i) {{
                const int line = warp_row + 16 * i + lane % 16;
                load_matrices(row[i], &lhs_slice[stage][line][d + lane / 16 * 8]);
            }}
            for (int j = 0; j < 2; ++j) {{
                const int line = warp_column + 16 * j + lane / 16 * 8 + lane % 8;
                load_matrices(column[j], &rhs_slice[stage][line][d + lane / 8 % 2 * 8]);
            }}
            for (int i = 0; i < 4; ++i) {{
                for (int j = 0; j < 4; ++j) {{
                    const unsigned* half = column[j / 2] + j % 2 * 2;
                    mma_{element}(sums[i][j], sums[i][j] + 2, row[i], half[0], half[1]);
                }}
            }}
        }}
        barrier();  // nobody reads these slices any more
    }}
    for (int i = 0; i < 4; ++i) {{
        for (int j = 0; j < 4; ++j) {{
            for (int n = 0; n < 4; ++n) {{
                const long long row = row_first + warp_row + 16 * i + n / 2 * 8 + lane / 4;
                const long long column = column_first + warp_column + 8 * j + lane % 4 * 2 + n % 2;
                if (row < rows && column < columns) store(b, h, row, column, sums[i][j][n]);
            }}
        }}
    }}
}}
"""

SINUSOID = """\
// The positional encoding of a column: sines at several speeds, each with its cosine beside it.
// In double, as an angle has as many digits before the point as the position.
__device__ inline double sinusoid(long long position, long long column, long long width) {
    const double angle = position / pow(10000.0, double(column - column % 2) / double(width));
    return column % 2 == 0 ? sin(angle) : cos(angle);
}
"""
