// Kernels that do something wrong. Each gets x and out of n numbers and runs n threads in a block.
#include <cuda_runtime.h>

static __global__ void divergent_kernel(const float* x, float* out, long long) {
    __shared__ float first;
    if (threadIdx.x < 32) {
        if (threadIdx.x == 0) first = x[0];
        __syncthreads();  // upper
    } else {
        __syncthreads();  // lower
    }
    out[threadIdx.x] = first;
}

static __global__ void leaves_kernel(const float* x, float* out, long long n) {
    if (threadIdx.x == n - 1) return;
    out[threadIdx.x] = x[threadIdx.x];
    __syncthreads();  // never complete
}

static __global__ void lonely_kernel(const float* x, float* out, long long) {
    float value = x[threadIdx.x];
    if (threadIdx.x < 7) value = __shfl_sync(0xffffffffu, value, 0);  // seven of all lanes
    __syncthreads();  // the others
    out[threadIdx.x] = value;
}

static __global__ void outsider_kernel(const float* x, float* out, long long) {
    out[threadIdx.x] = __shfl_sync(0x1u, x[threadIdx.x], 0);  // whose mask
}

static __global__ void read_behind_kernel(const float* x, float* out, long long) {
    out[threadIdx.x] = x[threadIdx.x + 4];  // four further
}

static __global__ void write_behind_kernel(const float* x, float* out, long long) {
    out[threadIdx.x + 4] = x[threadIdx.x];  // to four further
}

static __global__ void write_just_behind_kernel(const float* x, float* out, long long) {
    out[threadIdx.x + 1] = x[threadIdx.x];
}

static __global__ void write_before_kernel(const float* x, float* out, long long) {
    out[static_cast<int>(threadIdx.x) - 1] = x[threadIdx.x];
}

static __global__ void endless_kernel(const float* x, float* out, long long n) {
    volatile long long* limit = &n;
    for (long long i = 0; i < *limit; i = (i + 1) % *limit) out[threadIdx.x] = x[i];
}

static __global__ void deep_kernel(const float* x, float* out, long long n) {
    volatile float local[1 << 16];
    for (int i = 0; i < 1 << 16; ++i) local[i] = x[0];
    out[threadIdx.x] = local[n];
}

static __global__ void unwritten_kernel(const float*, float* out, long long) {
    __shared__ float memory[1024];
    if (out == nullptr) memory[threadIdx.x] = 0.0f;
    out[threadIdx.x] = memory[threadIdx.x];  // from nobody
}

static __global__ void misaligned_kernel(const float* x, float* out, long long n) {
    const float4 four = *reinterpret_cast<const float4*>(x + n - 63);  // four from an odd place
    out[threadIdx.x] = four.x + four.w;
}

static __global__ void misaligned_shared_kernel(const float* x, float* out, long long) {
    __shared__ float4 memory[256];
    float* numbers = &memory[0].x + threadIdx.x;
    *reinterpret_cast<float2*>(numbers) = make_float2(x[0], x[1]);  // two to an odd place
    __syncthreads();
    out[threadIdx.x] = memory[0].x;
}

static __global__ void next_row_kernel(const float* x, float* out, long long n) {
    __shared__ float tile[64][33];
    for (int i = 0; i < 33; ++i) tile[threadIdx.x][i] = x[0];
    __syncthreads();
    out[threadIdx.x] = tile[0][threadIdx.x + n % 2];  // into the next row
}

static __global__ void meets_alone_kernel(const float* x, float* out, long long) {
    out[threadIdx.x] = x[threadIdx.x];
    if (threadIdx.x % 2 == 0) return;
    if (threadIdx.x != 33) __syncwarp();  // all lanes that are left but one
    __syncthreads();  // the one
}

template <typename Kernel>
static int launch_threads(Kernel kernel, const float* x, float* out, long long n,
                          cudaStream_t stream) {
    void* arguments[] = {&x, &out, &n};
    return cudaLaunchKernel(kernel, dim3(1), dim3(static_cast<unsigned>(n)), arguments, 0, stream);
}

#define LAUNCHER(name)                                                                         \
    extern "C" int name(const float* x, float* out, long long n, cudaStream_t stream) {        \
        return launch_threads(name##_kernel, x, out, n, stream);                               \
    }

LAUNCHER(divergent)
LAUNCHER(leaves)
LAUNCHER(lonely)
LAUNCHER(outsider)
LAUNCHER(read_behind)
LAUNCHER(write_behind)
LAUNCHER(write_just_behind)
LAUNCHER(write_before)
LAUNCHER(endless)
LAUNCHER(deep)
LAUNCHER(unwritten)
LAUNCHER(misaligned)
LAUNCHER(misaligned_shared)
LAUNCHER(next_row)
LAUNCHER(meets_alone)
