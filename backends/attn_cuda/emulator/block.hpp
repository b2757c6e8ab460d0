// One block: its threads in turns, and the places where they wait for each other.
#pragma once

#include <string.h>

#include "device_builtins.h"
#include "fiber.hpp"
#include "report.hpp"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace attn_emulator {

unsigned lane;

constexpr unsigned max_threads = 1024;

enum class State { ready, at_barrier, in_warp, returned };

struct Thread {
    Fiber fiber;
    uint3 index;
    State state;
    int line;  // where it waits

    // What it brought to the meeting of its warp, and what it takes home.
    unsigned mask, source;
    unsigned long long value;
    Gathered gathered;
    bool orders;  // whether the meeting orders memory
    Together together;  // what the whole warp does there, if not that
    void* offer;        // what this lane has for it

    // How many such meetings of each lane of its warp it has heard of; of its own, one more.
    unsigned clocks[warpSize];
};

static Thread threads[max_threads];
static unsigned thread_count;
static Thread* running;
static Fiber scheduler;
static const Launch* launched;

// Each __syncthreads begins an epoch, and each block, too, with its first one.
static unsigned epoch, first_epoch;

static void describe_thread(const Thread& thread, char* text, size_t size) {
    snprintf(text, size, "thread (%u, %u, %u) of block (%u, %u, %u)", thread.index.x,
             thread.index.y, thread.index.z, blockIdx.x, blockIdx.y, blockIdx.z);
}

// ---- A thread's side ---------------------------------------------------------------------------

static void wait(State state, int line) {
    Thread& self = *running;
    self.state = state;
    self.line = line;
    self.fiber.switch_to(scheduler);
}

void meet_block(int line) { wait(State::at_barrier, line); }

Gathered meet_warp(unsigned mask, unsigned long long value, unsigned source, bool orders,
                   int line) {
    Thread& self = *running;
    if ((mask >> lane & 1) == 0) {
        char thread[128];
        describe_thread(self, thread, sizeof(thread));
        fail(cudaErrorLaunchFailure, "line %d: lane %u, %s, is not in the mask %#010x that it gives",
             line, lane, thread, mask);
    }
    self.mask = mask;
    self.value = value;
    self.source = source % warpSize;
    self.orders = orders;
    self.together = nullptr;
    wait(State::in_warp, line);
    return self.gathered;
}

void meet_whole_warp(Together together, void* offer, int line) {
    Thread& self = *running;
    self.mask = 0xffffffffu;
    self.orders = false;
    self.together = together;
    self.offer = offer;
    wait(State::in_warp, line);
}

static void run_thread() {
    launched->enter(launched->kernel, launched->arguments);
    wait(State::returned, 0);
}

// ---- The scheduler's side ----------------------------------------------------------------------

static void resume(Thread& thread) {
    running = &thread;
    threadIdx = thread.index;
    lane = static_cast<unsigned>(&thread - threads) % warpSize;
    scheduler.switch_to(thread.fiber);
}

// The lanes that must come to the meeting at which `first` waits: those in its mask that have not
// returned. Zero while one of them is elsewhere.
static unsigned gathered_lanes(const Thread* warp, unsigned size, const Thread& first) {
    unsigned lanes = 0;
    for (unsigned i = 0; i < size; ++i) {
        const Thread& other = warp[i];
        if ((first.mask >> i & 1) == 0 || other.state == State::returned) continue;
        const bool here = other.state == State::in_warp && other.line == first.line &&
                          other.mask == first.mask;
        if (!here) return 0;
        lanes |= 1u << i;
    }
    return lanes;
}

// Hand out what was brought. A lane that is not there has nothing to give: all bits set, a NaN.
static void hand_out(Thread* warp, unsigned lanes) {
    unsigned nonzero = 0;
    for (unsigned i = 0; i < warpSize; ++i) {
        if ((lanes >> i & 1) != 0 && warp[i].value != 0) nonzero |= 1u << i;
    }
    for (unsigned i = 0; i < warpSize; ++i) {
        if ((lanes >> i & 1) == 0) continue;
        const unsigned source = warp[i].source;
        const bool there = (lanes >> source & 1) != 0;
        warp[i].gathered = {there ? warp[source].value : ~0ull, nonzero};
        warp[i].state = State::ready;
    }
}

// After a meeting that orders memory, each lane has heard of all that the others did before.
static void order_memory(Thread* warp, unsigned lanes) {
    unsigned heard[warpSize] = {};
    for (unsigned i = 0; i < warpSize; ++i) {
        if ((lanes >> i & 1) == 0) continue;
        for (unsigned j = 0; j < warpSize; ++j) heard[j] = max(heard[j], warp[i].clocks[j]);
    }
    for (unsigned i = 0; i < warpSize; ++i) {
        if ((lanes >> i & 1) == 0) continue;
        memcpy(warp[i].clocks, heard, sizeof(heard));
        ++warp[i].clocks[i];
    }
}

// All 32 lanes do something as one.
static void act_together(Thread* warp, unsigned lanes) {
    if (lanes != 0xffffffffu) {
        fail(cudaErrorLaunchFailure,
             "line %d needs all 32 lanes of a warp, of which only those in %#010x are there",
             warp[__builtin_ctz(lanes)].line, lanes);
    }
    void* offers[warpSize];
    for (unsigned i = 0; i < warpSize; ++i) {
        offers[i] = warp[i].offer;
        warp[i].state = State::ready;
    }
    warp[0].together(offers);
}

static bool settle_meetings(Thread* warp, unsigned size) {
    bool settled = false;
    for (unsigned i = 0; i < size; ++i) {
        if (warp[i].state != State::in_warp) continue;
        const unsigned lanes = gathered_lanes(warp, size, warp[i]);
        if (lanes == 0) continue;
        if (warp[i].orders) order_memory(warp, lanes);
        if (warp[i].together != nullptr) {
            act_together(warp, lanes);
        } else {
            hand_out(warp, lanes);
        }
        settled = true;
    }
    return settled;
}

// Run a warp until each of its lanes has returned, or waits for more than this warp.
static void run_warp(Thread* warp, unsigned size) {
    do {
        for (unsigned i = 0; i < size; ++i) {
            if (warp[i].state == State::ready) resume(warp[i]);
        }
    } while (settle_meetings(warp, size));
}

static bool all_together() {
    for (unsigned i = 1; i < thread_count; ++i) {
        if (threads[i].state != threads[0].state || threads[i].line != threads[0].line) {
            return false;
        }
    }
    return threads[0].state != State::in_warp;
}

// Nobody can go on: say how many threads stand where.
[[noreturn]] static void fail_stuck() {
    char places[1024] = "";
    size_t used = 0;
    bool told[max_threads] = {};
    for (unsigned i = 0; i < thread_count && used < sizeof(places); ++i) {
        if (told[i]) continue;
        const Thread& first = threads[i];
        unsigned count = 0;
        for (unsigned j = i; j < thread_count; ++j) {
            if (threads[j].state != first.state || threads[j].line != first.line) continue;
            told[j] = true;
            ++count;
        }
        char place[64] = "returned";
        if (first.state != State::returned) {
            const char* what = first.state == State::at_barrier ? "__syncthreads" : "a warp";
            snprintf(place, sizeof(place), "waiting in %s at line %d", what, first.line);
        }
        used += static_cast<size_t>(
            snprintf(places + used, sizeof(places) - used, "%s%u %s (first: thread (%u, %u, %u))",
                     i == 0 ? "" : ", ", count, place, first.index.x, first.index.y,
                     first.index.z));
    }
    fail(cudaErrorLaunchFailure, "the threads of block (%u, %u, %u) do not meet: %s", blockIdx.x,
         blockIdx.y, blockIdx.z, places);
}

static void run_block(const Launch& launch, const Stacks& stacks) {
    launched = &launch;
    thread_count = blockDim.x * blockDim.y * blockDim.z;
    for (unsigned i = 0; i < thread_count; ++i) {
        Thread& thread = threads[i];
        thread.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
        thread.state = State::ready;
        memset(thread.clocks, 0, sizeof(thread.clocks));
        thread.clocks[i % warpSize] = 1;
        thread.fiber.prepare(stacks.of(i), stacks.size_of(i), run_thread);
    }
    for (first_epoch = ++epoch;; ++epoch) {
        for (unsigned i = 0; i < thread_count; i += warpSize) {
            const unsigned left = thread_count - i;
            run_warp(threads + i, left < warpSize ? left : warpSize);
        }
        if (!all_together()) fail_stuck();
        if (threads[0].state == State::returned) return;
        for (unsigned i = 0; i < thread_count; ++i) threads[i].state = State::ready;
    }
}

}  // namespace attn_emulator
