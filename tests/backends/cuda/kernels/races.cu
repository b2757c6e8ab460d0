// What threads of a block do to shared memory: with the barriers that it takes, and with one less.
// Each kernel gets x and out of n numbers, and runs n threads in one block.
#include <cuda_runtime.h>

constexpr int MOST = 1024;
constexpr unsigned ALL = 0xffffffffu;

// The number of the thread before, which emulated threads have stored when it is this one's turn.
template <bool BARRIER>
static __global__ void before_kernel(const float* x, float* out, long long) {
    __shared__ float memory[MOST];
    memory[threadIdx.x] = x[threadIdx.x];  // before: the write
    if (BARRIER) __syncthreads();
    out[threadIdx.x] = memory[threadIdx.x == 0 ? 0 : threadIdx.x - 1];  // before: the read
}

// What was read is overwritten, by the thread whose turn comes later.
template <bool BARRIER>
static __global__ void reuse_kernel(const float* x, float* out, long long n) {
    __shared__ float memory[MOST];
    memory[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = memory[(threadIdx.x + 1) % n];  // reuse: the read
    if (BARRIER) __syncthreads();
    memory[threadIdx.x] = 0.0f;  // reuse: the write
}

// One number, which every thread writes, or one of them.
template <bool ONE>
static __global__ void common_kernel(const float* x, float* out, long long n) {
    __shared__ float number;
    if (!ONE || threadIdx.x == n - 1) number = x[0];  // common: the write
    __syncthreads();
    out[threadIdx.x] = number;
}

// The other half of a warp, or of a block: __syncwarp is enough for the one, a shuffle for none.
template <bool BARRIER>
static __global__ void warp_kernel(const float* x, float* out, long long) {
    __shared__ float memory[MOST];
    memory[threadIdx.x] = x[threadIdx.x];  // warp: the write
    if (BARRIER) {
        __syncwarp();
    } else {
        out[threadIdx.x] = __shfl_sync(ALL, x[threadIdx.x], 0);
    }
    out[threadIdx.x] = memory[threadIdx.x / 2];  // warp: the read
    __syncwarp();
    memory[threadIdx.x] = 0.0f;
}

// All lanes but the last meet, so one of them may not read what the last has stored.
template <bool BARRIER>
static __global__ void part_kernel(const float* x, float* out, long long n) {
    __shared__ float memory[MOST];
    memory[n - 1 - threadIdx.x] = x[threadIdx.x];  // part: the write
    if (BARRIER) {
        __syncwarp(0xffffffffu);
    } else if (threadIdx.x < n - 1) {
        __syncwarp(0x7fffffffu);
    } else {
        __syncwarp(0x80000000u);
    }
    out[threadIdx.x] = memory[threadIdx.x];  // part: the read
}

// Bytes of one word are threads' own.
template <bool BARRIER>
static __global__ void bytes_kernel(const float* x, float* out, long long) {
    __shared__ unsigned char memory[MOST];
    memory[threadIdx.x] = static_cast<unsigned char>(x[threadIdx.x]);  // bytes: the write
    if (BARRIER) __syncthreads();
    out[threadIdx.x] = memory[threadIdx.x / 4];  // bytes: the read
}

// Atomic additions need no barrier among each other, but one before the sum is read.
template <bool BARRIER>
static __global__ void atomic_kernel(const float* x, float* out, long long) {
    __shared__ int sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    atomicAdd(&sum, static_cast<int>(x[0]));  // atomic: the sum
    if (BARRIER) __syncthreads();
    out[threadIdx.x] = static_cast<float>(sum);  // atomic: the read
}

// What a block wrote is not there for the next one.
template <bool BARRIER>
static __global__ void again_kernel(const float* x, float* out, long long) {
    __shared__ float memory[MOST];
    if (BARRIER || blockIdx.x == 0) memory[threadIdx.x] = x[threadIdx.x];
    out[threadIdx.x] = memory[threadIdx.x];  // again: the read
}

template <typename Kernel>
static int launch_threads(Kernel kernel, const float* x, float* out, long long n, long long blocks,
                          cudaStream_t stream) {
    void* arguments[] = {&x, &out, &n};
    return cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(blocks)),
                            dim3(static_cast<unsigned>(n)), arguments, 0, stream);
}

#define LAUNCHER(name)                                                                        \
    extern "C" int name(const float* x, float* out, long long n, long long right,             \
                        cudaStream_t stream) {                                                \
        return launch_threads(right != 0 ? name##_kernel<true> : name##_kernel<false>, x, out, \
                              n, 1, stream);                                                  \
    }

LAUNCHER(before)
LAUNCHER(reuse)
LAUNCHER(common)
LAUNCHER(warp)
LAUNCHER(part)
LAUNCHER(bytes)
LAUNCHER(atomic)

extern "C" int again(const float* x, float* out, long long n, long long right,
                     cudaStream_t stream) {
    return launch_threads(right != 0 ? again_kernel<true> : again_kernel<false>, x, out, n, 2,
                          stream);
}
