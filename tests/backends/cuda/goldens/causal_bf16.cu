// causal. Call launch_causal, at the end of this file.
// Build it with nvcc -arch=native -O3 -shared -Xcompiler -fPIC.
//
// Q: bf16[B, H, N, D]
// K: bf16[B, H, M, D]
// V: bf16[B, H, M, E]
// O: bf16[B, H, N, E]
//     s = Q Kᵀ · 1 / sqrt(D)
//     s = -inf unless k <= q
//     O = softmax(s) V
//     in tiles of 128 queries and 64 keys, with
//     global memory:  Q[N,D], K[M,D], V[M,E], O[N,E]
//     shared memory:  query_tile[128,D], key_tile[64,D], value_tile[64,E]
//     registers:      scores[128,64], weights[128,64], maximum[128], new_maximum[128],
//                     total[128], accumulator[128,E]
//     O = its parts together, where there are several
#ifndef __CUDACC_RTC__
#include <cuda_runtime.h>
#include <math.h>
#else  // NVRTC has the functions of these built in, and not the constants
#define INFINITY __int_as_float(0x7f800000)
#endif

constexpr int THREADS = 256;  // of a block
constexpr int D = 64;  // compiled in
constexpr int E = 64;  // compiled in

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

#ifdef __CUDACC__  // a host compiler has them in its stand-in for <cuda_runtime.h>

// bar.sync 0: waits for all threads of the block; what each did to memory before, all see after.
__device__ inline void barrier() { __syncthreads(); }

// shfl.sync.bfly.b32: what the lane of the warp has whose number differs in the bits of `flip`.
template <typename T>
__device__ inline T shuffle_xor(T x, int flip) {
    return __shfl_xor_sync(0xffffffff, x, flip);
}

// cvt.rn.bf16.f32: the nearest number with the upper 16 bits of a float, ties to even.
__device__ inline unsigned short round_to_bf16(float x) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}

// cvt.rn.bf16x2.f32: two numbers rounded into one register, the first in its lower half.
__device__ inline unsigned pack_bf16(float low, float high) {
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// ex2.approx.ftz.f32: 2 to the x, with a relative error of at most 2 to the -22; exp2(-inf) is 0.
__device__ inline float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// ldmatrix.x4: a warp loads four matrices of 8 x 8 numbers of 16 bits from shared memory. Lane
// 8 * m + i says where row i of matrix m begins, at a multiple of 16 bytes. Of each matrix, lane
// 4 * i + j gets numbers 2 * j and 2 * j + 1 of row i.
__device__ inline void load_matrices(unsigned (&x)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(unsigned(__cvta_generic_to_shared(row))));
}

// ldmatrix.x4.trans: as ldmatrix.x4, but lane 4 * i + j gets numbers 2 * j and 2 * j + 1 of column
// i of each matrix.
__device__ inline void load_transposed(unsigned (&x)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(unsigned(__cvta_generic_to_shared(row))));
}

// mma.sync.m16n8k16, bf16 with sums in f32: a warp adds the product of a (16 x 16) and b (16 x 8)
// to c (16 x 8). Lane 4 * i + j has rows i and i + 8, and columns 2 * j and 2 * j + 1, of c
// (`upper`, `lower`); of a the same in four matrices of 8 x 8: upper left, lower left, upper right,
// lower right; and of each half of b rows 2 * j and 2 * j + 1 in column i.
__device__ inline void mma_bf16(float* upper, float* lower, const unsigned (&a)[4],
                                unsigned b_upper, unsigned b_lower) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(upper[0]), "+f"(upper[1]), "+f"(lower[0]), "+f"(lower[1])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_upper), "r"(b_lower));
}

// cp.async.cg: starts to copy 16 bytes from global to shared memory, past the registers, and goes
// on. Of the 16 the first `bytes` are read; the others become 0. Addresses are multiples of 16.
__device__ inline void copy_async(void* shared, const void* global, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(unsigned(__cvta_generic_to_shared(shared))), "l"(global), "r"(bytes)
                 : "memory");
}

// cp.async.commit_group: what this thread has begun to copy since the last one is a group.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// cp.async.wait_group: waits until all groups of this thread but the last GROUPS have arrived. Of
// what other threads copied it says nothing: for that, a barrier has to follow.
template <int GROUPS>
__device__ inline void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" :: "n"(GROUPS) : "memory");
}

#endif  // __CUDACC__

// A number of 16 bits as it lies in memory: the upper half of a float. Kernels compute with floats.
struct bf16 {
    unsigned short bits;

    bf16() = default;
    __device__ explicit bf16(float x) : bits(round_to_bf16(x)) {}
    __device__ explicit operator float() const { return __uint_as_float(unsigned(bits) << 16); }
};

// x to the n, in whole numbers.
__host__ __device__ inline long long power(long long x, int n) {
    long long result = 1;
    for (int i = 0; i < n; ++i) result *= x;
    return result;
}

// The largest of the values that LANES neighbouring threads have, for each of them.
template <int LANES>
__device__ float lane_max(float x) {
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        x = fmaxf(x, shuffle_xor(x, offset));
    }
    return x;
}

// The sum of the values that LANES neighbouring threads have, for each of them.
template <int LANES>
__device__ float lane_sum(float x) {
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        x += shuffle_xor(x, offset);
    }
    return x;
}

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

// The two kinds of tiles of keys, for which code is compiled apart: those of which nothing is
// hidden, and all others.
struct Whole {
    static constexpr bool MASKED = false;
};
struct Masked {
    static constexpr bool MASKED = true;
};

// What the threads of a block share. Rows are a multiple of 16 numbers, with zeros
// behind the last, and 8 more, so that any 8 rows lie in different memory banks. Of
// keys and values there are two stages: a tile is computed on while the next one
// arrives.
struct alignas(16) attention_O_tiles {
    bf16 query_tile[128][D + 8];
    bf16 key_tile[2][64][D + 8];
    bf16 value_tile[2][64][E + 8];
};
static_assert(sizeof(attention_O_tiles) == 55296);  // the launcher asks for as much

// O: a block has 128 queries of one head and passes once over the keys, with the
// online softmax: a running maximum and sum for each row, and the result so far
// rescaled when the maximum rises. Each of its 4 warps has 32 of the queries. As
// tensor cores hand them out, lane 4 * m + n of a warp has every 8th row from m on,
// and of each 8 columns 2 * n and 2 * n + 1.
__global__ void __launch_bounds__(128, 2)
attention_O(View<const bf16> Q, View<const bf16> K, View<const bf16> V, View<bf16> O,
            View<float> O_parts, View<float> O_sums, float scale, long long splits, long long H,
            long long N, long long M) {
    constexpr int WARPS = 4;
    constexpr int QUERIES = 128, KEYS = 64;  // of a tile
    constexpr int ROWS = 4, COLUMNS = KEYS / 4;  // of a thread's scores
    constexpr int VALUES = E / 4;  // of each row of a thread's result
    const int lane = threadIdx.x % 32, warp_first = threadIdx.x / 32 * 8 * ROWS;
    const int row_first = warp_first + lane / 4, column_first = lane % 4 * 2;
    const auto column_of = [=](int j) { return column_first + 8 * (j / 2) + j % 2; };
    extern __shared__ float4 memory[];
    attention_O_tiles& shared = *reinterpret_cast<attention_O_tiles*>(memory);
    const long long tiles = (N + QUERIES - 1) / QUERIES;
    const long long turn = blockIdx.x % tiles;
    const long long split = blockIdx.x / tiles % splits;
    const long long h = blockIdx.x / tiles / splits % H;
    const long long b = blockIdx.x / tiles / splits / H;
    const long long tile = tiles - 1 - turn;  // those with the most keys begin first
    const long long q_first = tile * QUERIES;
    const int q_count = N - q_first < QUERIES ? int(N - q_first) : QUERIES;
    const long long q_last = q_first + q_count - 1;

    float maximum[ROWS];
    for (int i = 0; i < ROWS; ++i) maximum[i] = -INFINITY;
    float total[ROWS] = {};
    float accumulator[ROWS][VALUES] = {};

    // From the mask: no query of this tile sees a key outside of these bounds.
    const long long k_end = min(q_last + 1, M);
    // Where several blocks share these queries, each has a part of the keys.
    const long long part_begin = split * 1024;
    const long long part_end = splits > 1 ? min(k_end, (split + 1) * 1024) : k_end;
    // Starts to copy a tile of keys and values to one of the two stages.
    const auto copy_tile = [&](long long first, int stage) {
        const int count = M - first < KEYS ? int(M - first) : KEYS;
        copy_rows<32 * WARPS, D>(shared.key_tile[stage], count, [&](int row) {
            return &K.at(b, h, first + row, 0);
        });
        copy_rows<32 * WARPS, E>(shared.value_tile[stage], count, [&](int row) {
            return &V.at(b, h, first + row, 0);
        });
    };
    copy_rows<32 * WARPS, D>(shared.query_tile, q_count, [&](int row) {
        return &Q.at(b, h, q_first + row, 0);
    });
    long long k_first = part_begin;
    int stage = 0;
    if (k_first < part_end) copy_tile(k_first, stage);
    commit_copies();

    const float to_log2 = scale * 1.44269504f;  // from powers of e to powers of 2, with the scale

    // What is done with a tile. It is compiled twice: for whole tiles, of which nothing is
    // hidden, and for masked ones, of which something may be.
    const auto visit = [&](auto kind) {
        const long long k_next = k_first + KEYS;
        wait_for_copies<0>();
        barrier();  // the tile has arrived, and nobody reads the one before any more
        if (k_next < part_end) copy_tile(k_next, stage ^ 1);
        commit_copies();

        // scores = query_tile key_tileᵀ: 16 components of 16 queries and keys each.
        float scores[ROWS][COLUMNS] = {};
        #pragma unroll 4  // more at once would cost registers
        for (int d = 0; d < D; d += 16) {
            unsigned query[ROWS / 2][4];
            for (int i = 0; i < ROWS; i += 2) {
                const int row = warp_first + 8 * i + lane % 16, column = d + lane / 16 * 8;
                load_matrices(query[i / 2], &shared.query_tile[row][column]);
            }
            for (int j = 0; j < COLUMNS; j += 4) {
                unsigned key[4];
                const int row = 4 * j + lane / 16 * 8 + lane % 8;
                const int column = d + lane / 8 % 2 * 8;
                load_matrices(key, &shared.key_tile[stage][row][column]);
                for (int i = 0; i < ROWS; i += 2) {
                    float *upper = scores[i] + j, *lower = scores[i + 1] + j;
                    mma_bf16(upper, lower, query[i / 2], key[0], key[1]);
                    mma_bf16(upper + 2, lower + 2, query[i / 2], key[2], key[3]);
                }
            }
        }

        if constexpr (kind.MASKED) {
            const int k_count = M - k_first < KEYS ? int(M - k_first) : KEYS;
            // Hide the scores that the mask does not keep.
            for (int i = 0; i < ROWS; ++i) {
                const long long q = q_first + min(row_first + 8 * i, q_count - 1);
                for (int j = 0; j < COLUMNS; ++j) {
                    const long long k = k_first + min(column_of(j), k_count - 1);
                    if (k > q) scores[i][j] = -INFINITY;
                }
            }

            // In the last tile, columns past the last key have no score.
            if (k_count < KEYS) {
                for (int j = 0; j < COLUMNS; ++j) {
                    if (column_of(j) < k_count) continue;
                    for (int i = 0; i < ROWS; ++i) scores[i][j] = -INFINITY;
                }
            }
        }

        // The maximum of each row, with the tiles before, of which 4 lanes have parts.
        float new_maximum[ROWS];
        for (int i = 0; i < ROWS; ++i) {
            float highest = maximum[i];
            for (int j = 0; j < COLUMNS; ++j) highest = fmaxf(highest, scores[i][j]);
            new_maximum[i] = lane_max<4>(highest);
        }

        // Weights are at most 1, so they never overflow. A row of which all scores so far are
        // -inf, hidden or by themselves, is not shifted, since -inf minus -inf is no number:
        // its weights are exp2(-inf), which is 0.
        float weights[ROWS][COLUMNS];
        for (int i = 0; i < ROWS; ++i) {
            const float shift = new_maximum[i] == -INFINITY ? 0.0f : new_maximum[i] * to_log2;
            for (int j = 0; j < COLUMNS; ++j) {
                const float power = fmaf(scores[i][j], to_log2, -shift);
                weights[i][j] = exp2_approx(power);
            }
        }

        // What was summed so far was relative to the maximum so far.
        for (int i = 0; i < ROWS; ++i) {
            const float power = (maximum[i] - new_maximum[i]) * to_log2;
            const float rescale = new_maximum[i] > -INFINITY ? exp2_approx(power) : 1.0f;
            total[i] *= rescale;
            for (int j = 0; j < VALUES; ++j) accumulator[i][j] *= rescale;
            maximum[i] = new_maximum[i];
        }

        // Each thread sums the weights of its own columns; its row is added up at the end.
        for (int i = 0; i < ROWS; ++i) {
            for (int j = 0; j < COLUMNS; ++j) total[i] += weights[i][j];
        }

        // accumulator += weights value_tile, 16 keys at a time. A thread has the weights in
        // the registers that the next product wants them in.
        for (int n = 0; n < COLUMNS; n += 4) {
            unsigned weight[ROWS / 2][4];
            for (int i = 0; i < ROWS; i += 2) {
                const float *upper = weights[i] + n, *lower = weights[i + 1] + n;
                weight[i / 2][0] = pack_bf16(upper[0], upper[1]);
                weight[i / 2][1] = pack_bf16(lower[0], lower[1]);
                weight[i / 2][2] = pack_bf16(upper[2], upper[3]);
                weight[i / 2][3] = pack_bf16(lower[2], lower[3]);
            }
            for (int j = 0; j < VALUES; j += 4) {
                unsigned value[4];
                const int row = 4 * n + lane % 16, column = 4 * j + lane / 16 * 8;
                load_transposed(value, &shared.value_tile[stage][row][column]);
                for (int i = 0; i < ROWS; i += 2) {
                    float *upper = accumulator[i] + j, *lower = accumulator[i + 1] + j;
                    mma_bf16(upper, lower, weight[i / 2], value[0], value[1]);
                    mma_bf16(upper + 2, lower + 2, weight[i / 2], value[2], value[3]);
                }
            }
        }

        k_first = k_next;
        stage ^= 1;
    };

    // From the mask: all queries of this tile see all keys up to here.
    const long long whole_end = min(q_first + 1, part_end);
    while (k_first + KEYS <= whole_end) visit(Whole());
    while (k_first < part_end) visit(Masked());

    // Four lanes have a part of each row's sum.
    for (int i = 0; i < ROWS; ++i) total[i] = lane_sum<4>(total[i]);

    // Divide by the sum of the weights. A row that saw no key at all stays 0.
    for (int i = 0; i < ROWS; ++i) {
        const float inverse = total[i] == 0.0f ? 0.0f : 1.0f / total[i];
        for (int j = 0; j < VALUES; ++j) accumulator[i][j] *= inverse;
    }

    // Blocks that share these queries leave what they have to combine_parts.
    if (splits > 1) {
        const long long head = b * H + h;
        for (int i = 0; i < ROWS; ++i) {
            const int row = row_first + 8 * i;
            if (row >= q_count) continue;
            const float sum = maximum[i] * scale + logf(total[i]);
            if (lane % 4 == 0) O_sums.at(split, head, q_first + row, 0) = sum;
            for (int j = 0; j < VALUES; j += 2) {
                const int e = column_first + 4 * j;
                float* pair = &O_parts.at(split, head, q_first + row, e);
                pair[0] = accumulator[i][j];
                pair[1] = accumulator[i][j + 1];
            }
        }
        return;
    }

    // Store the rows that are queries, and not past the end, two numbers at a time.
    for (int i = 0; i < ROWS; ++i) {
        const int row = row_first + 8 * i;
        for (int j = 0; j < VALUES; j += 2) {
            const int e = column_first + 4 * j;
            if (row >= q_count) continue;
            auto* pair = reinterpret_cast<unsigned*>(&O.at(b, h, q_first + row, e));
            *pair = pack_bf16(accumulator[i][j], accumulator[i][j + 1]);
        }
    }
}

// out = the mean of what several parts of the keys gave, each weighted by its share of the sum of
// all weights. The 32 threads of a warp share a row.
template <typename Out>
__global__ void __launch_bounds__(THREADS)
combine_parts(View<const float> parts, View<const float> sums, View<Out> out,
              long long count, long long heads, long long rows, long long columns,
              long long splits) {
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
    for (long long e = lane; e < columns; e += 32) {
        float sum = 0.0f;
        for (long long i = 0; i < splits; ++i) {
            sum += expf(sums.at(i, head, q, 0) - shift) * parts.at(i, head, q, e);
        }
        out.at(b, h, q, e) = Out(total == 0.0f ? 0.0f : sum / total);
    }
}

#ifndef __CUDACC_RTC__  // what follows runs on the host

// One piece of memory for all values between two kernels; they share places in it, one after the
// other. The stream frees it when the last kernel is done.
struct Scratch {
    cudaStream_t stream;
    long long size = 0;
    char* data = nullptr;

    explicit Scratch(cudaStream_t stream) : stream(stream) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() {
        if (data != nullptr) cudaFreeAsync(data, stream);
    }
    // Where a place begins that is as long as the longest of its values, in bytes. That is at a
    // multiple of 256, as memory of its own would be.
    template <typename... Sizes>
    long long reserve(Sizes... bytes) {
        const long long begin = size;
        long long longest = 0;
        ((longest = longest < bytes ? bytes : longest), ...);
        size += (longest + 255) / 256 * 256;
        return begin;
    }
    cudaError_t allocate() {
        void* memory = nullptr;
        if (size > 0) {
            const cudaError_t error = cudaMallocAsync(&memory, size_t(size), stream);
            if (error != cudaSuccess) return error;
        }
        data = static_cast<char*>(memory);
        return cudaSuccess;
    }
    template <typename T>
    T* at(long long begin) const {
        return reinterpret_cast<T*>(data + begin);
    }
};

// What the kernel declares is what it gets: arguments are converted, not asked for their types.
template <typename T>
struct Declared {
    using Type = T;
};

// Starts a kernel, or none where there is nothing to do: CUDA takes an empty grid for a mistake.
template <typename... Parameters>
static cudaError_t launch(void (*kernel)(Parameters...), long long blocks, int threads,
                          size_t shared_bytes, cudaStream_t stream,
                          typename Declared<Parameters>::Type... arguments) {
    if (blocks == 0) return cudaSuccess;
    if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
    if (shared_bytes > 48 * 1024) {  // more than that has to be asked for
        const cudaError_t error = cudaFuncSetAttribute(
            kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes));
        if (error != cudaSuccess) return error;
    }
    void* addresses[] = {&arguments...};
    return cudaLaunchKernel(kernel, dim3(unsigned(blocks)), dim3(unsigned(threads)), addresses,
                            shared_bytes, stream);
}

// Whether each row of numbers of 16 bits begins at a multiple of 16 bytes: it is read by as many.
static bool by_sixteen(const void* data, const long long* strides, int rank) {
    bool fits = reinterpret_cast<size_t>(data) % 16 == 0;
    for (int dim = 0; dim + 1 < rank; ++dim) fits = fits && strides[dim] % 8 == 0;
    return fits;
}

// Pointers are to device memory. The strides of an input count elements from one to
// the next along each of its dims, and are null where it has no gaps; the last one is
// 1. Outputs have no gaps. Returns a cudaError_t, 0 if all is well; the kernels run
// when the stream gets to them. Rows of Q, K, V begin at multiples of 16 bytes.
extern "C" int launch_causal(const bf16* Q, const bf16* K, const bf16* V, bf16* O, long long B,
                             long long H, long long N, long long M, const long long* Q_strides,
                             const long long* K_strides, const long long* V_strides,
                             cudaStream_t stream) {
    const long long Q_contiguous[] = {H * N * D, N * D, D, 1};
    if (Q_strides == nullptr) Q_strides = Q_contiguous;
    if (!by_sixteen(Q, Q_strides, 4)) return cudaErrorMisalignedAddress;
    if (Q_strides[3] != 1) return cudaErrorInvalidValue;
    const long long K_contiguous[] = {H * M * D, M * D, D, 1};
    if (K_strides == nullptr) K_strides = K_contiguous;
    if (!by_sixteen(K, K_strides, 4)) return cudaErrorMisalignedAddress;
    if (K_strides[3] != 1) return cudaErrorInvalidValue;
    const long long V_contiguous[] = {H * M * E, M * E, E, 1};
    if (V_strides == nullptr) V_strides = V_contiguous;
    if (!by_sixteen(V, V_strides, 4)) return cudaErrorMisalignedAddress;
    if (V_strides[3] != 1) return cudaErrorInvalidValue;
    Scratch scratch(stream);
    const long long place0 = scratch.reserve(16 * (B * H * M) + 16384 * (B * H));
    const long long place1 = scratch.reserve(4 * (B * H * M) + 4096 * (B * H));
    cudaError_t error = scratch.allocate();
    if (error != cudaSuccess) return error;
    float* const O_parts = scratch.at<float>(place0);
    float* const O_sums = scratch.at<float>(place1);
    // O = softmax(s) V
    error = launch(attention_O, (N + 127) / 128 * (N <= 64 ? M / 1024 + 1 : 1) * H * B, 128,
                   sizeof(attention_O_tiles), stream,
                   View<const bf16>{Q, Q_strides[0], Q_strides[1], Q_strides[2], 1},
                   View<const bf16>{K, K_strides[0], K_strides[1], K_strides[2], 1},
                   View<const bf16>{V, V_strides[0], V_strides[1], V_strides[2], 1},
                   View<bf16>{O, H * N * E, N * E, E, 1},
                   View<float>{O_parts, B * H * N * 64, N * 64, 64, 1},
                   View<float>{O_sums, B * H * N, N, 1, 0},
                   float(1 / sqrt(double(D))), N <= 64 ? M / 1024 + 1 : 1, H, N, M);
    if (error != cudaSuccess) return error;
    // O = its parts together, where there are several
    return launch(combine_parts<bf16>, (N <= 64 ? M / 1024 + 1 : 1) > 1 ? (B * H * N + 7) / 8 : 0,
                  THREADS, 0, stream,
                  View<const float>{O_parts, B * H * N * 64, N * 64, 64, 1},
                  View<const float>{O_sums, B * H * N, N, 1, 0},
                  View<bf16>{O, H * N * E, N * E, E, 1},
                  B * H * N, H, N, E, N <= 64 ? M / 1024 + 1 : 1);
}

#endif
