// What a worker process says when the processor stops it: which thread touched what, or that time
// is up. The worker ends there; Python, whose child it is, lives on and gets an error code.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

#include "block.hpp"
#include "device_memory.hpp"
#include "shared_memory.hpp"

namespace attn_emulator {

extern "C" [[gnu::visibility("hidden")]] const char _end[];  // of this library

// What is known about addresses. Plain pointers, since a signal handler takes no arguments.
static const SharedMemory* known_shared;
static const Stacks* known_stacks;

// An index behind a null pointer leads to an address below this.
static const char* const null_end = reinterpret_cast<const char*>(1 << 24);

static const char* access_of([[maybe_unused]] void* context) {
#ifdef __x86_64__
    const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    return (registers[REG_ERR] & 2) != 0 ? "wrote to" : "read from";
#else
    return "touched";
#endif
}

static void describe(const char* address, char* text, size_t size) {
    if (known_stacks->contains(address)) {
        snprintf(text, size, "the end of its stack: its local variables need more than %zu KiB",
                 Stacks::stride / 1024);
    } else if (known_shared->contains(address)) {
        snprintf(text, size, "byte %td of the block's %zu bytes of dynamic shared memory",
                 known_shared->offset(address), known_shared->size());
    } else if (const Buffer* buffer = known_memory->owner(address)) {
        snprintf(text, size, "byte %td of a buffer of %zu bytes", address - buffer->start(),
                 buffer->size());
    } else {
        snprintf(text, size, "%p, %s", static_cast<const void*>(address),
                 address < null_end ? "by a null pointer" : "which is no device memory");
    }
}

// Where a thread of this library's code is; nothing where it is in another's, as that of expf.
static void describe_line([[maybe_unused]] void* context, char* text, size_t size) {
    text[0] = 0;
#if defined(__x86_64__)
    const auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    const char* code = reinterpret_cast<const char*>(machine.gregs[REG_RIP]);
    if (code >= __ehdr_start && code < _end) snprintf(text, size, " at {line %#x}", place_of(code));
#endif
}

static void on_signal(int signal, siginfo_t* info, void* context) {
    char thread[128], what[256], line[32];
    describe_thread(*running, thread, sizeof(thread));
    describe_line(context, line, sizeof(line));
    switch (signal) {
        case SIGSEGV:
        case SIGBUS:
            if (info->si_code == SI_KERNEL) {  // the processor names no address here
                fail(cudaErrorIllegalAddress, "%s used a misaligned or impossible address%s", thread,
                     line);
            }
            describe(static_cast<const char*>(info->si_addr), what, sizeof(what));
            fail(cudaErrorIllegalAddress, "%s %s %s%s", thread, access_of(context), what, line);
        case SIGALRM:
            fail(cudaErrorLaunchTimeout, "the time limit is over and %s still runs", thread);
        case SIGABRT:
            fail(cudaErrorAssert, "an assertion failed in %s", thread);
        default:
            fail(cudaErrorLaunchFailure, "%s in %s%s", strsignal(signal), thread, line);
    }
}

// The handler has a stack of its own: the thread's may be what is used up.
static void catch_signals() {
    static char stack[64 * 1024];
    stack_t alternative{};
    alternative.ss_sp = stack;
    alternative.ss_size = sizeof(stack);
    sigaltstack(&alternative, nullptr);

    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS, SIGALRM, SIGABRT, SIGFPE, SIGILL}) {
        sigaction(signal, &action, nullptr);
    }
    signal(SIGINT, SIG_DFL);  // Python's handler would only note it
}

static void start_clock() {
    const char* limit = getenv("ATTN_EMULATOR_TIMEOUT");
    const double seconds = limit != nullptr ? atof(limit) : 60;
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(seconds);
    timer.it_value.tv_usec =
        static_cast<suseconds_t>((seconds - static_cast<double>(timer.it_value.tv_sec)) * 1e6);
    setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace attn_emulator
