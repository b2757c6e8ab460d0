// test. Call launch_test, at the end of this file.
// Build it with nvcc -arch=native -O3 -shared -Xcompiler -fPIC.
//
// Q: f32[B, H, N, D]
// K: f32[P, S, G, D]
// V: f32[P, S, G, D]
// table: i32[B, J]
// length: i32[B]
// O: f32[B, H, N, D]
//     key k of K and V: row k % S of page table[b, k // S]
//     s = Q Kᵀ
//     s = -inf unless k < length[b]
//     O = softmax(s) V
//     in tiles of 64 queries and 64 keys, with
//     global memory:  Q[N,D], K[J * S,D], V[J * S,D], length[B], table[B,J], O[N,D]
//     shared memory:  query_tile[64,D], key_tile[64,D], value_tile[64,D], weights[64,64]
//     registers:      scores[64,64], maximum[64], new_maximum[64], total[64],
//                     accumulator[64,D]
#ifndef __CUDACC_RTC__
#include <cuda_runtime.h>
#include <math.h>
#else  // NVRTC has the functions of these built in, and not the constants
#define INFINITY __int_as_float(0x7f800000)
#endif

constexpr int THREADS = 256;  // of a block
constexpr int D = 64;  // compiled in

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

#endif  // __CUDACC__

// Python's //: rounds down, also below zero, where C rounds towards zero. By 0 it gives 0.
__host__ __device__ constexpr long long floor_divide(long long x, long long y) {
    if (y == 0) return 0;
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
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

// An element of a tensor of 1 dims with these sizes: 0 where an index is out of range.
template <typename T>
__device__ T gather(View<const T> x, long long k_size, long long k) {
    const bool inside = k >= 0 && k < k_size;
    return inside ? x.at(0, 0, 0, k) : T(0);
}

// An element of a tensor of 2 dims with these sizes: 0 where an index is out of range.
template <typename T>
__device__ T gather(View<const T> x, long long q_size, long long k_size, long long q, long long k) {
    const bool inside = q >= 0 && q < q_size && k >= 0 && k < k_size;
    return inside ? x.at(0, 0, q, k) : T(0);
}

// What the threads of a block share. What is read by column is stored transposed, so
// that a thread finds its 4 rows side by side. The other rows have an odd length, so
// that 16 lanes, each at its own row or column, never meet in one memory bank.
struct alignas(16) attention_O_tiles {
    float query_tile[D][64 + 4];
    float weights[64][64 + 4];
    union {  // these two take turns
        float key_tile[64][D | 1];
        float value_tile[64][(D + 15) / 16 * 16 + 1];
    };
};
static_assert(sizeof(attention_O_tiles) == 51456);  // the launcher asks for as much

// O: a block has 64 queries of one head and passes once over the keys, with the online
// softmax: a running maximum and sum for each row, and the result so far rescaled when
// the maximum rises. Thread 16 * group + lane has the rows 4 * group to 4 * group + 3
// of the tile, and of these the columns lane, lane + 16, lane + 32 and so on.
__global__ void __launch_bounds__(THREADS, 1)
attention_O(View<const float> Q, View<const float> K, View<const float> V, View<const int> length,
            View<const int> table, View<float> O, long long B, long long H, long long N,
            long long P, long long S, long long G, long long J) {
    constexpr int QUERIES = 64, KEYS = 64;  // of a tile
    constexpr int ROWS = QUERIES / 16, COLUMNS = KEYS / 16;  // of a thread's scores
    constexpr int VALUES = (D + 15) / 16;  // of each row of a thread's result
    const int lane = threadIdx.x % 16, group = threadIdx.x / 16;
    extern __shared__ float4 memory[];
    attention_O_tiles& shared = *reinterpret_cast<attention_O_tiles*>(memory);
    const long long tiles = (N + QUERIES - 1) / QUERIES;
    const long long tile = blockIdx.x % tiles;
    const long long h = blockIdx.x / tiles % H;
    const long long b = blockIdx.x / tiles / H;
    const long long key_head = h / (H / G);  // which several heads share
    const long long q_first = tile * QUERIES;
    const int q_count = N - q_first < QUERIES ? int(N - q_first) : QUERIES;

    // Load a tile of Q. Rows past the end are 0.
    #pragma unroll 2  // more at once would cost registers, and so blocks
    for (int n = threadIdx.x; n < QUERIES * D; n += THREADS) {
        const int row = n / D, d = n % D;
        shared.query_tile[d][row] = row < q_count ? Q.at(b, h, q_first + row, d) : 0.0f;
    }
    float maximum[ROWS];
    for (int i = 0; i < ROWS; ++i) maximum[i] = -INFINITY;
    float total[ROWS] = {};
    float accumulator[ROWS][VALUES] = {};

    const long long length_head = gather(length, B, b);
    // From the mask: no query of this tile sees a key outside of these bounds.
    const long long k_end = min(length_head, J * S);
    for (long long k_first = 0; k_first < k_end; k_first += KEYS) {
        const int k_count = (J * S) - k_first < KEYS ? int((J * S) - k_first) : KEYS;
        const long long k_last = k_first + k_count - 1;
        // Load a tile of K. Rows past the end, and of pages that are not there, are 0.
        #pragma unroll 2
        for (int n = threadIdx.x; n < KEYS * D; n += THREADS) {
            const int row = n / D, d = n % D;
            const long long k = k_first + row;
            const long long page = row < k_count ? gather(table, B, J, b, floor_divide(k, S)) : -1;
            const bool inside = page >= 0 && page < P;
            shared.key_tile[row][d] = inside ? K.at(page, key_head, k % S, d) : 0.0f;
        }
        barrier();  // the tile is complete

        // scores = query_tile key_tileᵀ: ROWS + COLUMNS numbers from shared memory are enough
        // for ROWS * COLUMNS products.
        float scores[ROWS][COLUMNS] = {};
        for (int d = 0; d < D; ++d) {
            float query[ROWS], key[COLUMNS];
            for (int i = 0; i < ROWS; ++i) query[i] = shared.query_tile[d][ROWS * group + i];
            for (int j = 0; j < COLUMNS; ++j) key[j] = shared.key_tile[lane + 16 * j][d];
            for (int i = 0; i < ROWS; ++i) {
                for (int j = 0; j < COLUMNS; ++j) scores[i][j] += query[i] * key[j];
            }
        }

        // Hide the scores that the mask does not keep. A tile that it keeps throughout needs
        // no test, and all threads know that at once.
        if (length_head <= k_last) {
            for (int i = 0; i < ROWS; ++i) {
                for (int j = 0; j < COLUMNS; ++j) {
                    const long long k = k_first + min(lane + 16 * j, k_count - 1);
                    if (!(k < gather(length, B, b))) scores[i][j] = -INFINITY;
                }
            }
        }

        // In the last tile, columns past the last key have no score.
        if (k_count < KEYS) {
            for (int j = 0; j < COLUMNS; ++j) {
                if (lane + 16 * j < k_count) continue;
                for (int i = 0; i < ROWS; ++i) scores[i][j] = -INFINITY;
            }
        }

        // The maximum of each row, with the tiles before, of which 16 lanes have parts.
        float new_maximum[ROWS];
        for (int i = 0; i < ROWS; ++i) {
            float highest = maximum[i];
            for (int j = 0; j < COLUMNS; ++j) highest = fmaxf(highest, scores[i][j]);
            new_maximum[i] = lane_max<16>(highest);
        }

        // Weights are at most 1, so they never overflow. A row without a key so far is not
        // shifted, since -inf minus -inf is no number: its weights are exp(-inf), which is 0.
        float weights[ROWS][COLUMNS];
        for (int i = 0; i < ROWS; ++i) {
            const float shift = new_maximum[i] == -INFINITY ? 0.0f : new_maximum[i];
            for (int j = 0; j < COLUMNS; ++j) {
                weights[i][j] = expf(scores[i][j] - shift);
                shared.weights[lane + 16 * j][ROWS * group + i] = weights[i][j];
            }
        }

        // What was summed so far was relative to the maximum so far.
        for (int i = 0; i < ROWS; ++i) {
            float rescale = 1.0f;
            if (new_maximum[i] > -INFINITY) rescale = expf(maximum[i] - new_maximum[i]);
            total[i] *= rescale;
            for (int j = 0; j < VALUES; ++j) accumulator[i][j] *= rescale;
            maximum[i] = new_maximum[i];
        }

        // The sum of each row's weights.
        for (int i = 0; i < ROWS; ++i) {
            float sum = 0.0f;
            for (int j = 0; j < COLUMNS; ++j) sum += weights[i][j];
            total[i] += lane_sum<16>(sum);
        }

        barrier();  // nobody reads the keys any more
        // Load a tile of V. Rows past the end, and of pages that are not there, are 0.
        #pragma unroll 2
        for (int n = threadIdx.x; n < KEYS * D; n += THREADS) {
            const int row = n / D, d = n % D;
            const long long k = k_first + row;
            const long long page = row < k_count ? gather(table, B, J, b, floor_divide(k, S)) : -1;
            const bool inside = page >= 0 && page < P;
            shared.value_tile[row][d] = inside ? V.at(page, key_head, k % S, d) : 0.0f;
        }
        barrier();  // the tile is complete

        // accumulator += weights value_tile: ROWS + VALUES numbers from shared memory are
        // enough for ROWS * VALUES products.
        for (int m = 0; m < KEYS; ++m) {
            float weight[ROWS], value[VALUES];
            for (int i = 0; i < ROWS; ++i) weight[i] = shared.weights[m][ROWS * group + i];
            for (int j = 0; j < VALUES; ++j) value[j] = shared.value_tile[m][lane + 16 * j];
            for (int i = 0; i < ROWS; ++i) {
                for (int j = 0; j < VALUES; ++j) accumulator[i][j] += weight[i] * value[j];
            }
        }

        barrier();  // the next keys may overwrite these values
    }

    // Divide by the sum of the weights. A row that saw no key at all stays 0.
    for (int i = 0; i < ROWS; ++i) {
        const float inverse = total[i] == 0.0f ? 0.0f : 1.0f / total[i];
        for (int j = 0; j < VALUES; ++j) accumulator[i][j] *= inverse;
    }

    // Store the rows that are queries, and not past the end.
    for (int i = 0; i < ROWS; ++i) {
        const int row = ROWS * group + i;
        for (int j = 0; j < VALUES; ++j) {
            const int e = lane + 16 * j;
            if (row < q_count) O.at(b, h, q_first + row, e) = accumulator[i][j];
        }
    }
}

#ifndef __CUDACC_RTC__  // what follows runs on the host

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

// Pointers are to device memory. The strides of an input count elements from one to
// the next along each of its dims, and are null where it has no gaps; the last one is
// 1. Outputs have no gaps. Returns a cudaError_t, 0 if all is well; the kernels run
// when the stream gets to them.
extern "C" int launch_test(const float* Q, const float* K, const float* V, const int* table,
                           const int* length, float* O, long long B, long long H, long long N,
                           long long P, long long S, long long G, long long J,
                           const long long* Q_strides, const long long* K_strides,
                           const long long* V_strides, const long long* table_strides,
                           const long long* length_strides, cudaStream_t stream) {
    const long long Q_contiguous[] = {H * N * D, N * D, D, 1};
    if (Q_strides == nullptr) Q_strides = Q_contiguous;
    if (Q_strides[3] != 1) return cudaErrorInvalidValue;
    const long long K_contiguous[] = {S * G * D, G * D, D, 1};
    if (K_strides == nullptr) K_strides = K_contiguous;
    if (K_strides[3] != 1) return cudaErrorInvalidValue;
    const long long V_contiguous[] = {S * G * D, G * D, D, 1};
    if (V_strides == nullptr) V_strides = V_contiguous;
    if (V_strides[3] != 1) return cudaErrorInvalidValue;
    const long long table_contiguous[] = {J, 1};
    if (table_strides == nullptr) table_strides = table_contiguous;
    if (table_strides[1] != 1) return cudaErrorInvalidValue;
    if (length_strides != nullptr && length_strides[0] != 1) return cudaErrorInvalidValue;
    // O = softmax(s) V
    if (!(G != 0 && H % G == 0)) return cudaErrorInvalidValue;
    return launch(attention_O, (N + 63) / 64 * H * B, THREADS, sizeof(attention_O_tiles), stream,
                  View<const float>{Q, Q_strides[0], Q_strides[1], Q_strides[2], 1},
                  View<const float>{K, K_strides[0], K_strides[2], K_strides[1], 1},
                  View<const float>{V, V_strides[0], V_strides[2], V_strides[1], 1},
                  View<const int>{length, 0, 0, 0, 1},
                  View<const int>{table, 0, 0, table_strides[0], 1},
                  View<float>{O, H * N * D, N * D, D, 1},
                  B, H, N, P, S, G, J);
}

#endif
