// test: what calls it from C and C++.
#pragma once
#include <stdbool.h>

struct CUstream_st;  // what CUDA's cudaStream_t points to

#ifdef __cplusplus
extern "C" {
#endif

// Q: f32[B, H, N, D]
// K: f32[B, H, M, D]
// V: f32[B, H, M, E]
// doc: i32[B, N]
// mask_keep: bool[B, H, N, M], optional
// mask_bias: f32[B, H, N, M], optional
// O: f32[B, H, N, E], which it computes
// D = 64 is compiled in.
// E = 64 is compiled in.
//
// Pointers are to device memory. The strides of an input count elements from one to
// the next along each of its dims, and are null where it has no gaps; the last one is
// 1. Outputs have no gaps. Returns a cudaError_t, 0 if all is well; the kernels run
// when the stream gets to them. An optional tensor is null where there is none; it may
// repeat along any dim, with a stride of 0.
int launch_test(const float* Q, const float* K, const float* V, const int* doc,
                const bool* mask_keep, const float* mask_bias, float* O, long long B, long long H,
                long long N, long long M, const long long* Q_strides, const long long* K_strides,
                const long long* V_strides, const long long* doc_strides,
                const long long* mask_keep_strides, const long long* mask_bias_strides,
                struct CUstream_st* stream);

#ifdef __cplusplus
}
#endif
