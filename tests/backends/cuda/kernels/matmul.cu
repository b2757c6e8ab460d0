// A tiled matrix product, whose sizes need not be multiples of the tile.
#include <cuda_runtime.h>

constexpr int TILE = 16;

static __global__ void matmul_kernel(const float* a, const float* b, float* c, int m, int n,
                                     int k) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE + 1];
    const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
    const int row = static_cast<int>(blockIdx.y) * TILE + y;
    const int column = static_cast<int>(blockIdx.x) * TILE + x;
    float sum = 0.0f;
    for (int start = 0; start < k; start += TILE) {
        left[y][x] = row < m && start + x < k ? a[row * k + start + x] : 0.0f;
        right[y][x] = start + y < k && column < n ? b[(start + y) * n + column] : 0.0f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < TILE; ++i) sum = fmaf(left[y][i], right[i][x], sum);
        __syncthreads();
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

extern "C" int matmul(const float* a, const float* b, float* c, long long m, long long n,
                      long long k, cudaStream_t stream) {
    int rows = static_cast<int>(m), columns = static_cast<int>(n), depth = static_cast<int>(k);
    void* arguments[] = {&a, &b, &c, &rows, &columns, &depth};
    const dim3 grid(static_cast<unsigned>((n + TILE - 1) / TILE),
                    static_cast<unsigned>((m + TILE - 1) / TILE));
    return cudaLaunchKernel(matmul_kernel, grid, dim3(TILE, TILE), arguments, 0, stream);
}
