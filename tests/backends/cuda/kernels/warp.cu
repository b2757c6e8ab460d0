// What the lanes of a warp tell each other. Each kernel stores one number per thread.
#include <cuda_runtime.h>

constexpr unsigned ALL = 0xffffffffu;

static __global__ void sum_kernel(const float* x, float* out) {
    float sum = x[threadIdx.x];
    for (int flip = 16; flip > 0; flip /= 2) sum += __shfl_xor_sync(ALL, sum, flip);
    out[threadIdx.x] = sum;
}

static __global__ void quad_kernel(const float* x, float* out) {
    float most = x[threadIdx.x];
    for (int flip = 2; flip > 0; flip /= 2) most = fmaxf(most, __shfl_xor_sync(ALL, most, flip, 4));
    out[threadIdx.x] = most;
}

static __global__ void down_kernel(const float* x, float* out) {
    out[threadIdx.x] = __shfl_down_sync(ALL, x[threadIdx.x], 3, 8);
}

static __global__ void up_kernel(const float* x, float* out) {
    out[threadIdx.x] = __shfl_up_sync(ALL, x[threadIdx.x], 3, 8);
}

static __global__ void broadcast_kernel(const float* x, float* out) {
    const int whole = static_cast<int>(x[threadIdx.x]);
    const unsigned lane = threadIdx.x % warpSize;
    out[threadIdx.x] = static_cast<float>(__shfl_sync(ALL, whole, 5) +
                                          static_cast<int>(__shfl_sync(ALL, lane, 9, 16)));
}

// Two halves of a warp that meet among themselves, each as often as it likes.
static __global__ void halves_kernel(const float* x, float* out) {
    float value = x[threadIdx.x];
    if (threadIdx.x % warpSize < 16) {
        for (int flip = 8; flip > 0; flip /= 2) value += __shfl_xor_sync(0x0000ffffu, value, flip);
    } else {
        value = __shfl_sync(0xffff0000u, value, 16);
        __syncwarp(0xffff0000u);
    }
    out[threadIdx.x] = value;
}

static __global__ void vote_kernel(const float* x, float* out) {
    const bool positive = x[threadIdx.x] > 0.0f;
    const unsigned ballot = __ballot_sync(ALL, positive);
    const int any = __any_sync(ALL, positive), all = __all_sync(ALL, positive);
    out[threadIdx.x] = static_cast<float>(__popc(ballot) + (any ? 100 : 0) + (all ? 1000 : 0));
}

template <typename Kernel>
static int launch_threads(Kernel kernel, const float* x, float* out, long long n,
                          cudaStream_t stream) {
    void* arguments[] = {&x, &out};
    return cudaLaunchKernel(kernel, dim3(1), dim3(static_cast<unsigned>(n)), arguments, 0, stream);
}

#define LAUNCHER(name)                                                                         \
    extern "C" int name(const float* x, float* out, long long n, cudaStream_t stream) {        \
        return launch_threads(name##_kernel, x, out, n, stream);                               \
    }

LAUNCHER(sum)
LAUNCHER(quad)
LAUNCHER(down)
LAUNCHER(up)
LAUNCHER(broadcast)
LAUNCHER(halves)
LAUNCHER(vote)
