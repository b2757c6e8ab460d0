// One launch: its blocks, shared out to processes.
//
// Each worker is a fork of the calling process. So it sees the arguments and the kernel where they
// are; its writes reach device memory, which is shared, and nothing else; and when the kernel
// faults, the worker dies and Python does not.
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "async_copies.hpp"
#include "faults.hpp"

namespace attn_emulator {

constexpr unsigned max_workers = 64;

[[noreturn]] static void work(const Launch& launch, unsigned long long blocks,
                              SharedMemory& shared) {
    failing = launch.kernel;
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // not to outlive Python
    gridDim = launch.grid;
    blockDim = launch.block;
    const Stacks stacks(blockDim.x * blockDim.y * blockDim.z);
    if (!stacks.valid()) fail(cudaErrorMemoryAllocation, "there is no memory for the stacks");
    known_stacks = &stacks;
    known_shared = &shared;
    catch_signals();
    start_clock();
    shared.limit_dynamic(launch.dynamic_shared);
    watch(shared);
    while (!report->failed) {
        const unsigned long long i = report->next_block++;
        if (i >= blocks) break;
        blockIdx = {static_cast<unsigned>(i % gridDim.x),
                    static_cast<unsigned>(i / gridDim.x % gridDim.y),
                    static_cast<unsigned>(i / gridDim.x / gridDim.y)};
        shared.poison();
        forget_copies();
        run_block(launch, stacks);
        if (!shared.intact()) {
            fail(cudaErrorIllegalAddress,
                 "block (%u, %u, %u) wrote behind its %zu bytes of dynamic shared memory",
                 blockIdx.x, blockIdx.y, blockIdx.z, shared.size());
        }
    }
    fflush(stdout);  // what the kernel printed
    _exit(0);
}

static unsigned long long worker_count(unsigned long long blocks) {
    const char* wanted = getenv("ATTN_EMULATOR_THREADS");
    const long count = wanted != nullptr ? atol(wanted) : sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned long long usable = count < 1 ? 1 : static_cast<unsigned long long>(count);
    const unsigned long long most = usable < max_workers ? usable : max_workers;
    return blocks < most ? blocks : most;
}

// Wait for a worker; if it ended without a word, say what ended it.
static void reap(pid_t worker) {
    int status = 0;
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0 || report->failed.exchange(true)) return;
    report->error = cudaErrorLaunchFailure;
    snprintf(report->message, sizeof(report->message), "a worker process was ended by signal %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static cudaError_t run(const Launch& launch, const DeviceMemory& memory) {
    const unsigned long long blocks = 1ull * launch.grid.x * launch.grid.y * launch.grid.z;
    SharedMemory shared;
    known_memory = &memory;
    report->next_block = 0;
    report->failed = false;
    report->error = cudaSuccess;
    fflush(stdout);  // or each worker would print it again

    pid_t workers[max_workers];
    unsigned started = 0;
    for (const auto wanted = worker_count(blocks); started < wanted; ++started) {
        workers[started] = fork();
        if (workers[started] == 0) work(launch, blocks, shared);
        if (workers[started] < 0) break;  // the ones that started do its blocks, too
    }
    if (started == 0) {
        snprintf(report->message, sizeof(report->message), "no process can be forked");
        return cudaErrorUnknown;
    }
    for (unsigned i = 0; i < started; ++i) reap(workers[i]);
    return report->error;
}

}  // namespace attn_emulator
