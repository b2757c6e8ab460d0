// The sum of each row, by a tree in shared memory: of fixed size, and of a size given at launch.
#include <cuda_runtime.h>

constexpr int THREADS = 256;

static __device__ __forceinline__ float sum_in(float* memory, const float* row, long long n) {
    float sum = 0.0f;
    for (long long i = threadIdx.x; i < n; i += THREADS) sum += row[i];
    memory[threadIdx.x] = sum;
    __syncthreads();
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        __syncthreads();
    }
    return memory[0];
}

static __global__ void static_kernel(const float* x, float* out, long long n) {
    __shared__ float memory[THREADS];
    const float sum = sum_in(memory, x + blockIdx.x * n, n);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

static __global__ void dynamic_kernel(const float* x, float* out, long long n) {
    extern __shared__ __align__(16) float workspace[];
    const float sum = sum_in(workspace, x + blockIdx.x * n, n);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// The tree without its barriers: a thread adds what others have not stored yet.
static __global__ void hasty_kernel(const float* x, float* out, long long n) {
    __shared__ float memory[THREADS];
    memory[threadIdx.x] = x[blockIdx.x * n + threadIdx.x];
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
    }
    if (threadIdx.x == 0) out[blockIdx.x] = memory[0];
}

// Barriers and nothing else that takes time.
static __global__ void barriers_kernel(int* out, long long count) {
    __shared__ int turns[THREADS];
    turns[threadIdx.x] = 0;
    for (long long i = 0; i < count; ++i) {
        __syncthreads();
        const int next = turns[(threadIdx.x + 1) % THREADS];
        __syncthreads();
        turns[threadIdx.x] = next + 1;
    }
    out[blockIdx.x * THREADS + threadIdx.x] = turns[threadIdx.x];
}

template <typename Kernel>
static int launch_rows(Kernel kernel, const float* x, float* out, long long rows, long long n,
                       size_t shared, cudaStream_t stream) {
    void* arguments[] = {&x, &out, &n};
    return cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(rows)), dim3(THREADS), arguments,
                            shared, stream);
}

extern "C" int sum_static(const float* x, float* out, long long rows, long long n,
                          cudaStream_t stream) {
    return launch_rows(static_kernel, x, out, rows, n, 0, stream);
}

extern "C" int sum_dynamic(const float* x, float* out, long long rows, long long n,
                           cudaStream_t stream) {
    return launch_rows(dynamic_kernel, x, out, rows, n, THREADS * sizeof(float), stream);
}

extern "C" int sum_too_little_shared(const float* x, float* out, long long rows, long long n,
                                     cudaStream_t stream) {
    return launch_rows(dynamic_kernel, x, out, rows, n, (THREADS - 1) * sizeof(float), stream);
}

extern "C" int sum_no_shared(const float* x, float* out, long long rows, long long n,
                             cudaStream_t stream) {
    return launch_rows(dynamic_kernel, x, out, rows, n, 0, stream);
}

extern "C" int sum_hasty(const float* x, float* out, long long rows, long long n,
                         cudaStream_t stream) {
    return launch_rows(hasty_kernel, x, out, rows, n, 0, stream);
}

// As much shared memory as a caller likes, with or without asking first.
extern "C" int sum_shared(const float* x, float* out, long long rows, long long n, long long shared,
                          long long ask, cudaStream_t stream) {
    if (ask != 0) {
        const cudaError_t error =
            cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shared));
        if (error != cudaSuccess) return error;
    }
    return launch_rows(dynamic_kernel, x, out, rows, n, static_cast<size_t>(shared), stream);
}

extern "C" int barriers(int* out, long long blocks, long long count, cudaStream_t stream) {
    void* arguments[] = {&out, &count};
    return cudaLaunchKernel(barriers_kernel, dim3(static_cast<unsigned>(blocks)), dim3(THREADS),
                            arguments, 0, stream);
}
