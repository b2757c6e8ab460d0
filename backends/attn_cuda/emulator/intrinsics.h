// The instructions that an emitted file names as functions, with the meaning that NVIDIA's "Parallel
// Thread Execution ISA" gives them. For a GPU the file defines them itself, in PTX.
#pragma once

#include "device_builtins.h"

namespace attn_emulator {

void load_matrices(unsigned* x, const void* row, bool transposed, int line);
void multiply(float* upper, float* lower, const unsigned* a, unsigned b_upper, unsigned b_lower,
              float (*widen)(unsigned short), int line);
void copy_async(void* shared, const void* global, int bytes);
void commit_copies();
void wait_for_copies(int groups);

}  // namespace attn_emulator

// ---- Other threads -----------------------------------------------------------------------------

inline void barrier(int line = __builtin_LINE()) { attn_emulator::meet_block(line); }

template <typename T>
T shuffle_xor(T x, int flip, int line = __builtin_LINE()) {
    return __shfl_xor_sync(0xffffffff, x, flip, warpSize, line);
}

inline unsigned vote(bool x, int line = __builtin_LINE()) {
    return __ballot_sync(0xffffffff, x, line);
}

// ---- Numbers of 16 bits ------------------------------------------------------------------------

// The nearest number, ties to even. What is too small for a normal number is counted in units of
// the smallest of all, 2 to the -24.
inline unsigned short round_to_f16(float x) {
    const unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u;
    const unsigned size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return static_cast<unsigned short>(sign | 0x7fffu);  // NaN
    if (size >= 0x477ff000u) return static_cast<unsigned short>(sign | 0x7c00u);  // beyond 65504
    if (size < 0x38800000u) {
        const float units = rintf(__uint_as_float(size) * 16777216.0f);
        return static_cast<unsigned short>(sign | static_cast<unsigned>(units));
    }
    const unsigned rounded = size + 0xfffu + (size >> 13 & 1u);
    return static_cast<unsigned short>(sign | (rounded - 0x38000000u) >> 13);
}

// The bits where a float has them, and the exponent corrected by a product, which is exact.
inline float widen_f16(unsigned short bits) {
    const float size = __uint_as_float((bits & 0x7fffu) << 13) * 0x1p112f;
    const unsigned infinite = size >= 65536.0f ? 0x7f800000u : 0u;
    return __uint_as_float(__float_as_uint(size) | infinite | (bits & 0x8000u) << 16);
}

inline unsigned short round_to_bf16(float x) {
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;  // NaN
    return static_cast<unsigned short>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
inline float attn_emulator_widen_bf16(unsigned short bits) {
    return __uint_as_float(static_cast<unsigned>(bits) << 16);
}

inline unsigned pack_f16(float low, float high) {
    return round_to_f16(low) | static_cast<unsigned>(round_to_f16(high)) << 16;
}
inline unsigned pack_bf16(float low, float high) {
    return round_to_bf16(low) | static_cast<unsigned>(round_to_bf16(high)) << 16;
}

inline float exp2_approx(float x) { return exp2f(x); }

// ---- Matrices ----------------------------------------------------------------------------------

__forceinline__ void load_matrices(unsigned (&x)[4], const void* row,
                                   int line = __builtin_LINE()) {
    attn_emulator::load_matrices(x, row, false, line);
}
__forceinline__ void load_transposed(unsigned (&x)[4], const void* row,
                                     int line = __builtin_LINE()) {
    attn_emulator::load_matrices(x, row, true, line);
}
__forceinline__ void mma_f16(float* upper, float* lower, const unsigned (&a)[4], unsigned b_upper,
                             unsigned b_lower, int line = __builtin_LINE()) {
    attn_emulator::multiply(upper, lower, a, b_upper, b_lower, widen_f16, line);
}
__forceinline__ void mma_bf16(float* upper, float* lower, const unsigned (&a)[4],
                              unsigned b_upper, unsigned b_lower, int line = __builtin_LINE()) {
    attn_emulator::multiply(upper, lower, a, b_upper, b_lower, attn_emulator_widen_bf16, line);
}

// ---- Copies that go on by themselves -----------------------------------------------------------

__forceinline__ void copy_async(void* shared, const void* global, int bytes) {
    attn_emulator::copy_async(shared, global, bytes);
}
__forceinline__ void commit_copies() { attn_emulator::commit_copies(); }
template <int GROUPS>
__forceinline__ void wait_for_copies() {
    attn_emulator::wait_for_copies(GROUPS);
}
