// ldmatrix and mma: what the 32 lanes of a warp do as one.
#pragma once

#include "intrinsics.h"
#include "races.hpp"

namespace attn_emulator {

// Shared memory whose address lies where the instruction needs it.
[[noreturn]] static void fail_address(const void* address, const char* what, const void* returns) {
    char thread[128];
    describe_thread(*running, thread, sizeof(thread));
    fail(cudaErrorMisalignedAddress, "%s %s %p at {line %#x}", thread, what, address,
         place_before(returns));
}

static void check_row(const void* row, const void* returns) {
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) {
        fail_address(row, "loads a matrix's row of 16 bytes from no multiple of 16:", returns);
    }
    if (static_cast<size_t>(static_cast<const char*>(row) - shadow.begin) >= shadow.size) {
        fail_address(row, "loads a matrix from memory that is not shared:", returns);
    }
}

struct LoadedRow {
    const void* row;
    unsigned* x;
    bool transposed;
};

// The 8 rows of a matrix are read at once where each has 4 of the 32 banks for itself.
static void count_conflicts(void* const* rows) {
    unsigned most = 1, readers[8] = {};
    for (unsigned i = 0; i < 8; ++i) {
        const auto address = reinterpret_cast<uintptr_t>(static_cast<LoadedRow*>(rows[i])->row);
        most = max(most, ++readers[address / 16 % 8]);
    }
    if (most > 1) report->bank_conflicts += most - 1;
}

static void hand_out_matrices(void* const* offers) {
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
        unsigned short numbers[8][8];
        for (unsigned i = 0; i < 8; ++i) {
            memcpy(numbers[i], static_cast<LoadedRow*>(offers[8 * matrix + i])->row, 16);
        }
        count_conflicts(offers + 8 * matrix);
        for (unsigned lane = 0; lane < warpSize; ++lane) {
            const auto& mine = *static_cast<LoadedRow*>(offers[lane]);
            const unsigned i = lane / 4, j = lane % 4 * 2;
            const unsigned low = mine.transposed ? numbers[j][i] : numbers[i][j];
            const unsigned high = mine.transposed ? numbers[j + 1][i] : numbers[i][j + 1];
            mine.x[matrix] = low | high << 16;
        }
    }
}

void load_matrices(unsigned* x, const void* row, bool transposed, int line) {
    const void* returns = __builtin_return_address(0);
    check_row(row, returns);
    note_access<note_read>(row, 16, returns, false);
    LoadedRow mine = {row, x, transposed};
    meet_whole_warp(hand_out_matrices, &mine, line);
}

struct Product {
    float *upper, *lower;
    const unsigned* a;
    unsigned b[2];
    float (*widen)(unsigned short);
};

// c += a b, of which each lane has two rows of c, four pairs of a and two of b.
static void multiply_fragments(void* const* offers) {
    static float a[16][16], b[16][8], c[16][8];
    const auto low = [](unsigned pair) { return static_cast<unsigned short>(pair); };
    const auto high = [](unsigned pair) { return static_cast<unsigned short>(pair >> 16); };
    for (unsigned lane = 0; lane < warpSize; ++lane) {
        const auto& mine = *static_cast<Product*>(offers[lane]);
        const unsigned i = lane / 4, j = lane % 4 * 2;
        for (unsigned part = 0; part < 4; ++part) {
            float* row = a[i + part % 2 * 8] + j + part / 2 * 8;
            row[0] = mine.widen(low(mine.a[part]));
            row[1] = mine.widen(high(mine.a[part]));
        }
        for (unsigned part = 0; part < 2; ++part) {
            b[j + 8 * part][i] = mine.widen(low(mine.b[part]));
            b[j + 1 + 8 * part][i] = mine.widen(high(mine.b[part]));
        }
    }
    memset(c, 0, sizeof(c));
    for (unsigned i = 0; i < 16; ++i) {
        for (unsigned k = 0; k < 16; ++k) {
            for (unsigned j = 0; j < 8; ++j) c[i][j] += a[i][k] * b[k][j];
        }
    }
    for (unsigned lane = 0; lane < warpSize; ++lane) {
        const auto& mine = *static_cast<Product*>(offers[lane]);
        const unsigned i = lane / 4, j = lane % 4 * 2;
        for (unsigned n = 0; n < 2; ++n) {
            mine.upper[n] += c[i][j + n];
            mine.lower[n] += c[i + 8][j + n];
        }
    }
}

void multiply(float* upper, float* lower, const unsigned* a, unsigned b_upper, unsigned b_lower,
              float (*widen)(unsigned short), int line) {
    Product mine = {upper, lower, a, {b_upper, b_lower}, widen};
    meet_whole_warp(multiply_fragments, &mine, line);
}

}  // namespace attn_emulator
