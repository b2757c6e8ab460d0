// What the processes of one launch share: which block is next, and what went wrong.
#pragma once

#include <atomic>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host_api.h"

namespace attn_emulator {

// The bytes that kernels read from a buffer in device memory, and wrote to it.
struct Traffic {
    std::atomic<long long> read, written;
};
constexpr unsigned counted_buffers = 64;

struct Report {
    std::atomic<unsigned long long> next_block;
    std::atomic<bool> failed;
    std::atomic<long long> bank_conflicts;  // accesses of a warp that had to wait for another
    Traffic traffic[counted_buffers];
    cudaError_t error;
    char message[2048];
};

// On a page of its own that stays one page, not two copies, when a process forks.
inline Report* make_report() {
    void* page = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    return static_cast<Report*>(page);
}

static Report* const report = make_report();

static Kernel failing;  // the kernel that this worker runs

// A place in the code is told as its distance from the start of this library, in braces; Python
// (places.py) asks the library's line table what stands there.
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start[];

inline unsigned place_of(const void* code) {
    return static_cast<unsigned>(static_cast<const char*>(code) - __ehdr_start);
}
inline unsigned place_of(Kernel kernel) { return place_of(reinterpret_cast<const void*>(kernel)); }

// Of the call that returns to this address.
inline unsigned place_before(const void* returns) { return place_of(returns) - 1; }

// End this worker process. The first failure of a launch is the one that is told.
[[noreturn, gnu::format(printf, 2, 3)]] static void fail(cudaError_t error, const char* format,
                                                         ...) {
    if (!report->failed.exchange(true)) {
        va_list values;
        va_start(values, format);
        const int used = snprintf(report->message, sizeof(report->message), "{kernel %#x}: ",
                                  place_of(failing));
        vsnprintf(report->message + used, sizeof(report->message) - static_cast<size_t>(used),
                  format, values);
        va_end(values);
        report->error = error;
    }
    fflush(stdout);  // what the kernel printed
    _exit(1);
}

}  // namespace attn_emulator
