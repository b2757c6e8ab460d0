// Races on shared memory: who wrote and who read each of its bytes, and since which barrier.
//
// Two accesses of different threads, of which one writes, need a barrier between them. Threads of
// one block have __syncthreads for that: each ends an epoch, and what was done in an earlier epoch
// is in order. Lanes of one warp have __syncwarp, too: each lane counts its own, and knows up to
// which of another lane's it has heard. Shuffles and votes order no memory, on a GPU neither.
#pragma once

#include <sys/mman.h>

#include "block.hpp"
#include "device_memory.hpp"
#include "shared_memory.hpp"

namespace attn_emulator {

struct Access {
    unsigned epoch, clock;
    unsigned place;  // in the code, from the start of this library
    unsigned short thread;
    bool atomic;
};

// Of the writes the last is enough, since it was in order with all before. Of the reads, those
// that no later write can miss: the last, the one before by its warp, and the last by another.
struct Cell {
    Access write, read, neighbour, stranger;
};

// Nearly all is read and written in whole words, so a word has one cell. Where a kernel touches a
// part of one, its bytes get a cell each, for the rest of the block.
struct Shadow {
    static constexpr size_t word = 4;

    char* begin = nullptr;
    size_t size = 0;  // 0 while no kernel runs: nothing is checked
    const SharedMemory* shared = nullptr;
    Cell *words = nullptr, *bytes = nullptr;
    unsigned* parted = nullptr;  // the block, by its first epoch, for which a word is parted
};

static Shadow shadow;

// ---- What is said ------------------------------------------------------------------------------

static void describe_shared(size_t offset, char* text, size_t size) {
    const char* address = shadow.begin + offset;
    if (shadow.shared->contains(address)) {
        snprintf(text, size, "byte %td of the block's %zu bytes of dynamic shared memory",
                 shadow.shared->offset(address), shadow.shared->size());
    } else {
        snprintf(text, size, "byte %zu of static shared memory", offset);
    }
}

[[noreturn]] static void fail_access(size_t offset, const Access& now, const char* verb,
                                     const char* why) {
    char thread[128], what[128];
    describe_thread(threads[now.thread], thread, sizeof(thread));
    describe_shared(offset, what, sizeof(what));
    fail(cudaErrorIllegalAddress, "%s %s %s at {line %#x}%s", thread, verb, what, now.place, why);
}

[[noreturn]] static void fail_race(size_t offset, const Access& now, const char* verb,
                                   const Access& before, const char* verb_before) {
    char why[256];
    const uint3 index = threads[before.thread].index;
    snprintf(why, sizeof(why),
             ", which thread (%u, %u, %u) %s at {line %#x}: no barrier stands between", index.x,
             index.y, index.z, verb_before, before.place);
    fail_access(offset, now, verb, why);
}

// ---- What is checked ---------------------------------------------------------------------------

static bool ordered(const Access& before, const Access& now) {
    if (before.epoch != now.epoch || before.thread == now.thread) return true;
    const bool one_warp = before.thread / warpSize == now.thread / warpSize;
    return one_warp && running->clocks[before.thread % warpSize] >= before.clock;
}

static void check_written(const Cell& cell, const Access& now, size_t offset) {
    if (cell.write.epoch < first_epoch) {
        const bool outside = shadow.shared->is_behind(shadow.begin + offset);
        fail_access(offset, now, "read from", outside ? "" : ", to which nobody has written");
    }
}

[[gnu::always_inline]] static inline void note_read(Cell& cell, const Access& now,
                                                    size_t offset) {
    check_written(cell, now, offset);
    if (!ordered(cell.write, now)) fail_race(offset, now, "read from", cell.write, "wrote");
    if (cell.read.thread != now.thread) {
        const bool one_warp = cell.read.thread / warpSize == now.thread / warpSize;
        (one_warp ? cell.neighbour : cell.stranger) = cell.read;
    }
    cell.read = now;
}

[[gnu::always_inline]] static inline void note_write(Cell& cell, const Access& now,
                                                     size_t offset) {
    if (now.atomic) check_written(cell, now, offset);
    if (!ordered(cell.write, now) && !(cell.write.atomic && now.atomic)) {
        fail_race(offset, now, "wrote to", cell.write, "wrote");
    }
    for (const Access* before : {&cell.read, &cell.neighbour, &cell.stranger}) {
        if (!ordered(*before, now)) fail_race(offset, now, "wrote to", *before, "read");
    }
    if (shadow.shared->is_behind(shadow.begin + offset)) fail_access(offset, now, "wrote to", "");
    cell.write = now;
}

static bool counting;  // see attn_emulator_count

[[gnu::noinline]] static void count_traffic(const char* address, size_t size, bool writes) {
    const Buffer* buffer = known_memory->owner(address);
    if (buffer == nullptr || buffer->traffic == nullptr) return;  // a local variable, most often
    (writes ? buffer->traffic->written : buffer->traffic->read) += static_cast<long long>(size);
}

using Note = void (*)(Cell& cell, const Access& now, size_t offset);

template <Note note>
static void note_bytes(size_t first, size_t end, const Access& now) {
    const size_t word = first / Shadow::word;
    Cell* cells = shadow.bytes + word * Shadow::word;
    if (shadow.parted[word] != first_epoch) {
        shadow.parted[word] = first_epoch;
        for (size_t i = 0; i < Shadow::word; ++i) cells[i] = shadow.words[word];
    }
    for (size_t i = first; i < end; ++i) note(shadow.bytes[i], now, i);
}

static inline bool unheard(const Access& before, unsigned thread) {
    const unsigned lane_before = before.thread % warpSize;
    return before.epoch == epoch && before.thread / warpSize == thread / warpSize &&
           running->clocks[lane_before] < before.clock + (before.thread == thread);
}

// Most reads end here, for speed. The word was written before this epoch, and was read since by
// two warps, or by two lanes of this warp of which this thread has not heard: any write that is
// in order with theirs is in order with this one.
static inline bool adds_nothing(size_t at) {
    const size_t word = at / Shadow::word;
    const Cell& cell = shadow.words[word];
    if (at % Shadow::word != 0 || shadow.parted[word] == first_epoch ||
        cell.write.epoch < first_epoch || cell.write.epoch == epoch || cell.read.epoch != epoch) {
        return false;
    }
    const auto thread = static_cast<unsigned>(running - threads);
    return cell.stranger.epoch == epoch ||
           (unheard(cell.read, thread) && unheard(cell.neighbour, thread));
}

template <Note note>
static inline void note_access(const void* address, size_t size, const void* returns, bool atomic) {
    size_t at = static_cast<size_t>(static_cast<const char*>(address) - shadow.begin);
    if (at >= shadow.size) {  // not shared memory
        const char* there = static_cast<const char*>(address);
        if (counting && running != nullptr) count_traffic(there, size, note == note_write);
        return;
    }
    if (note == note_read && size == Shadow::word && adds_nothing(at)) return;
    const Access now = {epoch, running->clocks[lane], place_before(returns),
                        static_cast<unsigned short>(running - threads), atomic};
    for (const size_t end = at + size; at < end;) {
        const size_t word = at / Shadow::word, behind = (word + 1) * Shadow::word;
        const size_t until = behind < end ? behind : end;
        if (until - at == Shadow::word && shadow.parted[word] != first_epoch) {
            note(shadow.words[word], now, at);
        } else {
            note_bytes<note>(at, until, now);
        }
        at = until;
    }
}

// As if nobody of this block had written to these words.
static void forget_write(const void* address, size_t size) {
    const size_t at = static_cast<size_t>(static_cast<const char*>(address) - shadow.begin);
    for (size_t i = at; i < at + size; i += Shadow::word) {
        const size_t word = i / Shadow::word;
        shadow.words[word].write.epoch = 0;
        if (shadow.parted[word] != first_epoch) continue;
        for (size_t j = 0; j < Shadow::word; ++j) shadow.bytes[i + j].write.epoch = 0;
    }
}

// Pages of zeros, which cost memory once they are used: accesses of no epoch.
template <typename T>
static T* zeros(size_t count) {
    void* pages = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) fail(cudaErrorMemoryAllocation, "no memory is left to find races");
    return static_cast<T*>(pages);
}

static void watch(const SharedMemory& shared) {
    const size_t size = (shared.total() + Shadow::word - 1) / Shadow::word * Shadow::word;
    shadow.words = zeros<Cell>(size / Shadow::word);
    shadow.bytes = zeros<Cell>(size);
    shadow.parted = zeros<unsigned>(size / Shadow::word);
    shadow.shared = &shared;
    shadow.begin = shared.begin();
    shadow.size = size;
}

}  // namespace attn_emulator
