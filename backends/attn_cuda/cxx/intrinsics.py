"""What kernels ask of the hardware beyond C++: one inline function for each PTX instruction.

On a GPU these are the functions below. A host compiler never sees them: there the emulator's
`intrinsics.h` defines functions of the same names. Each comment says what the instruction does,
after NVIDIA's "Parallel Thread Execution ISA", chapter 9.7.
"""

from __future__ import annotations

from collections.abc import Sequence

INTRINSICS = {
    "barrier": """\
// bar.sync 0: waits for all threads of the block; what each did to memory before, all see after.
__device__ inline void barrier() { __syncthreads(); }
""",
    "shuffle_xor": """\
// shfl.sync.bfly.b32: what the lane of the warp has whose number differs in the bits of `flip`.
template <typename T>
__device__ inline T shuffle_xor(T x, int flip) {
    return __shfl_xor_sync(0xffffffff, x, flip);
}
""",
    "vote": """\
// vote.sync.ballot.b32: a bit for each lane of the warp, set where its `x` holds.
__device__ inline unsigned vote(bool x) { return __ballot_sync(0xffffffff, x); }
""",
    "round_to_f16": """\
// cvt.rn.f16.f32: the nearest number of 16 bits, ties to even; too large becomes infinite.
__device__ inline unsigned short round_to_f16(float x) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
""",
    "widen_f16": """\
// cvt.f32.f16: exact.
__device__ inline float widen_f16(unsigned short bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
""",
    "round_to_bf16": """\
// cvt.rn.bf16.f32: the nearest number with the upper 16 bits of a float, ties to even.
__device__ inline unsigned short round_to_bf16(float x) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
""",
    "pack_f16": """\
// cvt.rn.f16x2.f32: two numbers rounded into one register, the first in its lower half.
__device__ inline unsigned pack_f16(float low, float high) {
    unsigned pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
""",
    "pack_bf16": """\
// cvt.rn.bf16x2.f32: two numbers rounded into one register, the first in its lower half.
__device__ inline unsigned pack_bf16(float low, float high) {
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
""",
    "exp2_approx": """\
// ex2.approx.ftz.f32: 2 to the x, with a relative error of at most 2 to the -22; exp2(-inf) is 0.
__device__ inline float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
""",
    "load_matrices": """\
// ldmatrix.x4: a warp loads four matrices of 8 x 8 numbers of 16 bits from shared memory. Lane
// 8 * m + i says where row i of matrix m begins, at a multiple of 16 bytes. Of each matrix, lane
// 4 * i + j gets numbers 2 * j and 2 * j + 1 of row i.
__device__ inline void load_matrices(unsigned (&x)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(unsigned(__cvta_generic_to_shared(row))));
}
""",
    "load_transposed": """\
// ldmatrix.x4.trans: as ldmatrix.x4, but lane 4 * i + j gets numbers 2 * j and 2 * j + 1 of column
// i of each matrix.
__device__ inline void load_transposed(unsigned (&x)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(unsigned(__cvta_generic_to_shared(row))));
}
""",
    "mma_f16": """\
// mma.sync.m16n8k16, f16 with sums in f32: a warp adds the product of a (16 x 16) and b (16 x 8) to
// c (16 x 8). Lane 4 * i + j has rows i and i + 8, and columns 2 * j and 2 * j + 1, of c (`upper`,
// `lower`); of a the same in four matrices of 8 x 8: upper left, lower left, upper right, lower
// right; and of each half of b rows 2 * j and 2 * j + 1 in column i.
__device__ inline void mma_f16(float* upper, float* lower, const unsigned (&a)[4], unsigned b_upper,
                               unsigned b_lower) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(upper[0]), "+f"(upper[1]), "+f"(lower[0]), "+f"(lower[1])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_upper), "r"(b_lower));
}
""",
    "mma_bf16": """\
// mma.sync.m16n8k16, bf16 with sums in f32: a warp adds the product of a (16 x 16) and b (16 x 8)
// to c (16 x 8). Lane 4 * i + j has rows i and i + 8, and columns 2 * j and 2 * j + 1, of c
// (`upper`, `lower`); of a the same in four matrices of 8 x 8: upper left, lower left, upper right,
// lower right; and of each half of b rows 2 * j and 2 * j + 1 in column i.
__device__ inline void mma_bf16(float* upper, float* lower, const unsigned (&a)[4],
                                unsigned b_upper, unsigned b_lower) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(upper[0]), "+f"(upper[1]), "+f"(lower[0]), "+f"(lower[1])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_upper), "r"(b_lower));
}
""",
    "copy_async": """\
// cp.async.cg: starts to copy 16 bytes from global to shared memory, past the registers, and goes
// on. Of the 16 the first `bytes` are read; the others become 0. Addresses are multiples of 16.
__device__ inline void copy_async(void* shared, const void* global, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(unsigned(__cvta_generic_to_shared(shared))), "l"(global), "r"(bytes)
                 : "memory");
}
""",
    "commit_copies": """\
// cp.async.commit_group: what this thread has begun to copy since the last one is a group.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
""",
    "wait_for_copies": """\
// cp.async.wait_group: waits until all groups of this thread but the last GROUPS have arrived. Of
// what other threads copied it says nothing: for that, a barrier has to follow.
template <int GROUPS>
__device__ inline void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" :: "n"(GROUPS) : "memory");
}
""",
}


def print_intrinsics(names: Sequence[str]) -> list[str]:
    """The definitions of the functions with these names, for a GPU's compiler alone."""
    wanted = {*names}
    found = [text for name, text in INTRINSICS.items() if name in wanted]
    if not found:
        return []
    head = "#ifdef __CUDACC__  // a host compiler has them in its stand-in for <cuda_runtime.h>\n"
    return [head, *found, "#endif  // __CUDACC__\n"]
