// A product on tensor cores, once right and once with each mistake that the emulator finds.
#include <cuda_runtime.h>

enum Fault { NONE, NO_WAIT, NO_BARRIER, EARLY, ODD_ROW, ODD_COPY, HALF_WARP, CROWDED };

// out (16 x 8) = a (16 x 16) b (8 x 16)ᵀ, numbers of 16 bits to floats.
template <bool BRAIN, int FAULT>
__global__ void product_kernel(const unsigned short* a, const unsigned short* b, float* out) {
    constexpr int WIDTH = FAULT == CROWDED ? 16 : 24;
    alignas(16) __shared__ unsigned short a_tile[16][WIDTH], b_tile[8][WIDTH], spare[16];
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x / 2, half = threadIdx.x % 2 * 8;
    if (threadIdx.x < 32) {
        copy_async(&a_tile[row][half], a + 16 * row + half + (FAULT == ODD_COPY), 16);  // copy
    }
    commit_copies();
    if (threadIdx.x < 16) copy_async(&b_tile[row][half], b + 16 * row + half, 16);
    if (threadIdx.x == 31) copy_async(&spare[0], a, 0);
    commit_copies();
    if (FAULT == EARLY) {
        wait_for_copies<1>();
    } else if (FAULT != NO_WAIT) {
        wait_for_copies<0>();
    }
    if (FAULT != NO_BARRIER) __syncthreads();
    if (FAULT == HALF_WARP && lane >= 16) return;

    float sums[2][2] = {};
    unsigned a_part[4], b_part[4];
    const int shift = FAULT == ODD_ROW ? 1 : lane / 16 * 8;
    load_matrices(a_part, &a_tile[lane % 16][shift]);  // load a
    load_matrices(b_part, &b_tile[lane % 8][lane / 8 % 2 * 8]);
    if (BRAIN) {
        mma_bf16(sums[0], sums[1], a_part, b_part[0], b_part[1]);
    } else {
        mma_f16(sums[0], sums[1], a_part, b_part[0], b_part[1]);
    }
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            out[(lane / 4 + 8 * i) * 8 + lane % 4 * 2 + j] = sums[i][j] + spare[0];
        }
    }
}

template <bool BRAIN, int FAULT>
static int run(const unsigned short* a, const unsigned short* b, float* out) {
    void* arguments[] = {&a, &b, &out};
    return cudaLaunchKernel(product_kernel<BRAIN, FAULT>, dim3(1), dim3(32), arguments);
}

extern "C" int product(const unsigned short* a, const unsigned short* b, float* out,
                       long long brain, long long fault, cudaStream_t) {
    if (brain) return run<true, NONE>(a, b, out);
    switch (fault) {
        case NO_WAIT: return run<false, NO_WAIT>(a, b, out);
        case NO_BARRIER: return run<false, NO_BARRIER>(a, b, out);
        case EARLY: return run<false, EARLY>(a, b, out);
        case ODD_ROW: return run<false, ODD_ROW>(a, b, out);
        case ODD_COPY: return run<false, ODD_COPY>(a, b, out);
        case HALF_WARP: return run<false, HALF_WARP>(a, b, out);
        case CROWDED: return run<false, CROWDED>(a, b, out);
    }
    return run<false, NONE>(a, b, out);
}

// Four matrices of 8 x 8, of which each lane stores what it got of the transposed ones.
__global__ void transpose_kernel(const unsigned short* x, unsigned* out) {
    alignas(16) __shared__ unsigned short tile[32][8];
    for (int j = 0; j < 8; ++j) tile[threadIdx.x][j] = x[8 * threadIdx.x + j];
    __syncthreads();
    unsigned parts[4];
    load_transposed(parts, tile[threadIdx.x]);
    for (int m = 0; m < 4; ++m) out[32 * m + threadIdx.x] = parts[m];
}

extern "C" int transpose(const unsigned short* x, unsigned* out, cudaStream_t) {
    void* arguments[] = {&x, &out};
    return cudaLaunchKernel(transpose_kernel, dim3(1), dim3(32), arguments);
}

// Every number of 16 bits as a float, and floats rounded to both kinds, alone and as the lower and
// the upper half of a pair.
__global__ void round_kernel(const float* x, unsigned short* halves, unsigned short* brains,
                             float* wide, long long n) {
    const long long i = blockIdx.x * 256LL + threadIdx.x;
    if (i < 65536) wide[i] = widen_f16((unsigned short)i);
    if (i >= n) return;
    halves[i] = round_to_f16(x[i]);
    brains[i] = round_to_bf16(x[i]);
    if (pack_f16(x[i], x[n - 1 - i]) != (halves[i] | unsigned(round_to_f16(x[n - 1 - i])) << 16) ||
        pack_bf16(x[i], x[n - 1 - i]) != (brains[i] | unsigned(round_to_bf16(x[n - 1 - i])) << 16)) {
        halves[i] = brains[i] = 0xffff;
    }
}

extern "C" int rounded(const float* x, unsigned short* halves, unsigned short* brains, float* wide,
                       long long n, cudaStream_t) {
    void* arguments[] = {&x, &halves, &brains, &wide, &n};
    const long long blocks = ((n > 65536 ? n : 65536) + 255) / 256;
    return cudaLaunchKernel(round_kernel, dim3(unsigned(blocks)), dim3(256), arguments);
}
