// What the processes of one launch share: which block is next, and what went wrong.
#pragma once

#include <atomic>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host_api.h"

namespace attn_emulator {

struct Report {
    std::atomic<unsigned long long> next_block;
    std::atomic<bool> failed;
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

// End this worker process. The first failure of a launch is the one that is told.
[[noreturn, gnu::format(printf, 2, 3)]] static void fail(cudaError_t error, const char* format,
                                                         ...) {
    if (!report->failed.exchange(true)) {
        va_list values;
        va_start(values, format);
        vsnprintf(report->message, sizeof(report->message), format, values);
        va_end(values);
        report->error = error;
    }
    fflush(stdout);  // what the kernel printed
    _exit(1);
}

}  // namespace attn_emulator
