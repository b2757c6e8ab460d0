// A host meaning for CUDA C++.
//
// An emitted file says `#include <cuda_runtime.h>`. nvcc finds NVIDIA's header; g++, started with
// -I on this folder, finds this one. The same text then runs without a GPU: a grid's blocks are
// shared out to a few processes, and a block's threads are fibers inside one of them.
//
//   vector_types.h     dim3, float4 and their like
//   device_builtins.h  what a kernel may use: threadIdx, __syncthreads, shuffles, mathematics
//   intrinsics.h       the instructions that emitted files name: ldmatrix, mma, cp.async
//   host_api.h         what a launcher may use: cudaMalloc, cudaLaunchKernel, error codes
//   runtime.cpp        what stands behind them, compiled on its own and linked in
#pragma once

// CUDA's own header brings these in too, so an emitted file may count on them.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <utility>

// Where a function runs is no question here: everything runs on the host.
#define __global__
#define __device__
#define __host__
#define __constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))

// One process runs one block at a time, so "one per block" means "one per process", which any
// static variable is. But `static` cannot be said twice or after `extern`, and the declarations
//     __shared__ float tile[32][33];          extern __shared__ float memory[];
// need both. thread_local implies static inside a function, and may follow extern. As nothing else
// in the library is thread_local, its thread-local segment *is* the shared memory of the block: the
// runtime finds it as one piece and poisons it before each block.
#define __shared__ thread_local

#include "vector_types.h"
#include "device_builtins.h"
#include "intrinsics.h"
#include "host_api.h"
