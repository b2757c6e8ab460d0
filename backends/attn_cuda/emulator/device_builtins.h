// What a kernel may use without including anything: its place in the grid, barriers, shuffles and
// the device's mathematics.
#pragma once

#include "vector_types.h"

// Plain variables. The scheduler writes them each time that it turns to another thread. They are
// hidden in their library: of two libraries in one Python, each needs its own.
[[gnu::visibility("hidden")]] extern uint3 threadIdx, blockIdx;
[[gnu::visibility("hidden")]] extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

// ---- Waiting for other threads -----------------------------------------------------------------

namespace attn_emulator {

[[gnu::visibility("hidden")]] extern unsigned lane;  // of the running thread in its warp: 0 to 31

// What a lane takes home from a meeting of its warp: the value that another lane brought, and one
// bit for each lane that brought something other than zero.
struct Gathered {
    unsigned long long value;
    unsigned nonzero;
};

void meet_block(int line);
Gathered meet_warp(unsigned mask, unsigned long long value, unsigned source, bool orders,
                   int line);

// What all 32 lanes of a warp do as one, given what each of them brought.
using Together = void (*)(void* const* offers);
void meet_whole_warp(Together together, void* offer, int line);

void fence();
int add(int* address, int value);
unsigned add(unsigned* address, unsigned value);
float add(float* address, float value);

// A shuffle moves bits and never looks at their meaning.
template <typename T>
T shuffle(unsigned mask, T value, unsigned source, int line) {
    static_assert(sizeof(T) <= sizeof(unsigned long long));
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    bits = meet_warp(mask, bits, source, false, line).value;
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}

// A warp may be cut into segments of `width` lanes, within which a shuffle stays.
inline unsigned first_of_segment(int width) { return lane & ~(width - 1u); }
inline unsigned last_of_segment(int width) { return lane | (width - 1u); }

inline unsigned votes(unsigned mask, int predicate, int line) {
    return meet_warp(mask, predicate != 0, lane, false, line).nonzero;
}

}  // namespace attn_emulator

// A default argument is evaluated where the call stands, so __builtin_LINE() tells the kernel's own
// line, and a message can name it, without a macro around each of these.
inline void __syncthreads(int line = __builtin_LINE()) { attn_emulator::meet_block(line); }

inline void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
    attn_emulator::meet_warp(mask, 0, attn_emulator::lane, true, line);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,
              int line = __builtin_LINE()) {
    const unsigned from = attn_emulator::first_of_segment(width) | (source & (width - 1u));
    return attn_emulator::shuffle(mask, value, from, line);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int flip, int width = warpSize,
                  int line = __builtin_LINE()) {
    const unsigned from = attn_emulator::lane ^ flip;
    const bool inside = from <= attn_emulator::last_of_segment(width);
    return attn_emulator::shuffle(mask, value, inside ? from : attn_emulator::lane, line);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                   int line = __builtin_LINE()) {
    const unsigned from = attn_emulator::lane + delta;
    const bool inside = from <= attn_emulator::last_of_segment(width);
    return attn_emulator::shuffle(mask, value, inside ? from : attn_emulator::lane, line);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                 int line = __builtin_LINE()) {
    const bool inside = attn_emulator::first_of_segment(width) + delta <= attn_emulator::lane;
    const unsigned from = inside ? attn_emulator::lane - delta : attn_emulator::lane;
    return attn_emulator::shuffle(mask, value, from, line);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return attn_emulator::votes(mask, predicate, line);
}
inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return attn_emulator::votes(mask, predicate, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return attn_emulator::votes(mask, !predicate, line) == 0;
}

// ---- Memory ------------------------------------------------------------------------------------

template <typename T>
T __ldg(const T* address) {
    return *address;
}

inline void __threadfence() { attn_emulator::fence(); }
inline void __threadfence_block() {}  // a block's threads never run at the same time here

// Blocks do run at the same time, in processes that share the device's memory.
inline int atomicAdd(int* address, int value) { return attn_emulator::add(address, value); }
inline unsigned atomicAdd(unsigned* address, unsigned value) {
    return attn_emulator::add(address, value);
}
inline float atomicAdd(float* address, float value) { return attn_emulator::add(address, value); }

// ---- Mathematics -------------------------------------------------------------------------------

// <math.h> has most of it already: expf, exp2f, logf, tanhf, fmaxf, fmaf, INFINITY. The names of
// the fast intrinsics are taken: glibc declares them for itself, so they can only be macros.
#define __expf(x) expf(x)
#define __exp10f(x) exp10f(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __log10f(x) log10f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __tanf(x) tanf(x)
#define __powf(x, y) powf(x, y)

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }

constexpr int min(int a, int b) { return b < a ? b : a; }
constexpr int max(int a, int b) { return a < b ? b : a; }
constexpr unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
constexpr unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
constexpr long min(long a, long b) { return b < a ? b : a; }
constexpr long max(long a, long b) { return a < b ? b : a; }
constexpr long long min(long long a, long long b) { return b < a ? b : a; }
constexpr long long max(long long a, long long b) { return a < b ? b : a; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

constexpr int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
constexpr float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
constexpr unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
constexpr float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }

constexpr int __popc(unsigned x) { return __builtin_popcount(x); }
constexpr int __ffs(int x) { return __builtin_ffs(x); }
constexpr int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
