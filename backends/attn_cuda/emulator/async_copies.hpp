// cp.async: copies that arrive when they are waited for, and not before.
//
// A GPU may deliver them at any time. Here what they will overwrite is taken away as they begin, and
// what they bring is there only after the wait: whoever reads in between reads what nobody wrote.
#pragma once

#include <vector>

#include "matrices.hpp"

namespace attn_emulator {

struct Copy {
    char* to;
    char bytes[16];
    unsigned group;
    const void* returns;  // where it was begun
};

struct Copies {
    std::vector<Copy> pending;
    unsigned committed = 0;  // groups so far
};

static Copies copies[max_threads];

static Copies& own_copies() { return copies[running - threads]; }

static void forget_copies() {
    for (Copies& own : copies) {
        own.pending.clear();
        own.committed = 0;
    }
}

[[noreturn]] static void fail_copy(const void* global, int bytes, const void* returns) {
    char thread[128];
    describe_thread(*running, thread, sizeof(thread));
    fail(cudaErrorIllegalAddress,
         "%s copies %d bytes from %p at {line %#x}, which do not lie in one buffer", thread, bytes,
         global, place_before(returns));
}

void copy_async(void* shared, const void* global, int bytes) {
    const void* returns = __builtin_return_address(0);
    for (const void* address : {static_cast<const void*>(shared), global}) {
        if (bytes > 0 && reinterpret_cast<uintptr_t>(address) % 16 != 0) {
            fail_address(address, "copies 16 bytes from or to no multiple of 16:", returns);
        }
    }
    check_row(shared, returns);
    Copy copy = {static_cast<char*>(shared), {}, own_copies().committed, returns};
    if (bytes > 0) {
        if (!known_memory->covers(global, static_cast<size_t>(bytes))) {
            fail_copy(global, bytes, returns);
        }
        if (counting) count_traffic(static_cast<const char*>(global), bytes, false);
        memcpy(copy.bytes, global, static_cast<size_t>(bytes));
    }
    note_access<note_write>(shared, 16, returns, false);
    forget_write(shared, 16);
    memset(shared, 0xff, 16);
    own_copies().pending.push_back(copy);
}

void commit_copies() { ++own_copies().committed; }

void wait_for_copies(int groups) {
    Copies& own = own_copies();
    std::vector<Copy> later;
    for (const Copy& copy : own.pending) {
        if (copy.group + static_cast<unsigned>(groups) >= own.committed) {
            later.push_back(copy);
            continue;
        }
        note_access<note_write>(copy.to, 16, copy.returns, false);
        memcpy(copy.to, copy.bytes, 16);
    }
    own.pending.swap(later);
}

}  // namespace attn_emulator
