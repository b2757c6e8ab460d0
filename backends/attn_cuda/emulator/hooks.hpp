// What the compiler calls from an emitted file, each time that it reads or writes memory
// (-fsanitize=thread), and where an address or an index is wrong (-fsanitize=alignment,bounds).
//
// The compiler's own libraries behind these names know nothing of blocks and barriers. They are
// not linked: these functions stand in for them.
#pragma once

#include "races.hpp"

namespace attn_emulator {

// As the compiler lays them out.
struct SourcePlace {
    const char* file;
    unsigned line, column;
};
struct TypeName {
    unsigned short kind, information;
    char name[1];  // as long as it is, in quotes
};
struct Misaligned {
    SourcePlace place;
    const TypeName& type;
    unsigned char log_alignment, kind;
};
struct OutOfBounds {
    SourcePlace place;
    const TypeName &array, &index;
};

}  // namespace attn_emulator

using namespace attn_emulator;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

#define ATTN_EMULATOR_HOOK(name, note, size)                                      \
    void name(void* address) {                                                    \
        note_access<note>(address, size, __builtin_return_address(0), false);     \
    }
#define ATTN_EMULATOR_HOOKS(size)                                   \
    ATTN_EMULATOR_HOOK(__tsan_read##size, note_read, size)          \
    ATTN_EMULATOR_HOOK(__tsan_write##size, note_write, size)
ATTN_EMULATOR_HOOKS(1)
ATTN_EMULATOR_HOOKS(2)
ATTN_EMULATOR_HOOKS(4)
ATTN_EMULATOR_HOOKS(8)
ATTN_EMULATOR_HOOKS(16)
#undef ATTN_EMULATOR_HOOKS
#undef ATTN_EMULATOR_HOOK

void __tsan_read_range(void* address, long size) {
    note_access<note_read>(address, static_cast<size_t>(size), __builtin_return_address(0), false);
}
void __tsan_write_range(void* address, long size) {
    note_access<note_write>(address, static_cast<size_t>(size), __builtin_return_address(0), false);
}

void __ubsan_handle_type_mismatch_v1(Misaligned* what, void* address) {
    if (running == nullptr) return;  // a launcher's, which runs on the host
    char thread[128];
    describe_thread(*running, thread, sizeof(thread));
    fail(cudaErrorMisalignedAddress, "%s used a %s at line %u that lies at %p, no multiple of %u",
         thread, what->type.name, what->place.line, address, 1u << what->log_alignment);
}

void __ubsan_handle_out_of_bounds(OutOfBounds* what, void* index) {
    if (running == nullptr) return;
    char thread[128];
    describe_thread(*running, thread, sizeof(thread));
    fail(cudaErrorIllegalAddress, "%s used index %lld of a %s at line %u", thread,
         static_cast<long long>(reinterpret_cast<intptr_t>(index)), what->array.name,
         what->place.line);
}

}  // extern "C"

namespace attn_emulator {

// Here, since there is no hook in this library's own code: an atomic access is told of as one.
#define ATTN_EMULATOR_NOTE_ATOMIC(address) \
    note_access<note_write>(address, sizeof(*address), __builtin_return_address(0), true)

void fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

int add(int* address, int value) {
    ATTN_EMULATOR_NOTE_ATOMIC(address);
    return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
unsigned add(unsigned* address, unsigned value) {
    ATTN_EMULATOR_NOTE_ATOMIC(address);
    return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
float add(float* address, float value) {
    ATTN_EMULATOR_NOTE_ATOMIC(address);
    float old = *address, sum = 0;
    do {
        sum = old + value;
    } while (!__atomic_compare_exchange(address, &old, &sum, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    return old;
}

#undef ATTN_EMULATOR_NOTE_ATOMIC

}  // namespace attn_emulator
