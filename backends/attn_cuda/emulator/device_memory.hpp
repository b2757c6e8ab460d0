// Device memory: pages that all processes of a launch share, with nothing before and behind them.
#pragma once

#include <map>
#include <string.h>
#include <sys/mman.h>

#include "host_api.h"
#include "report.hpp"

namespace attn_emulator {

// A buffer ends where a forbidden stretch begins, so that the first element behind it faults:
//
//     | forbidden | poison | the buffer | 0 to 15 bytes of poison | forbidden |
//
// It starts at a multiple of 16, as a float4 needs. What is poisoned can be read (as NaN), but
// whoever wrote to it is found out after the launch.
class Buffer {
public:
    static constexpr size_t page = 4096;
    static constexpr size_t forbidden = 16 << 20;  // long, so that wild indices hit it, too

    explicit Buffer(size_t size) : size_(size) {
        const size_t rounded = (size + 15) / 16 * 16;
        usable_ = (rounded + page - 1) / page * page;
        void* reserved = mmap(nullptr, mapped(), PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (reserved == MAP_FAILED) return;
        mapping_ = static_cast<char*>(reserved);
        start_ = mapping_ + forbidden + usable_ - rounded;
        void* usable = mmap(mapping_ + forbidden, usable_, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (usable == MAP_FAILED) {
            release();
        } else {
            memset(usable, poison, usable_);
        }
    }
    void release() {
        munmap(mapping_, mapped());
        mapping_ = nullptr;
    }

    Traffic* traffic = nullptr;

    bool valid() const { return mapping_ != nullptr; }
    char* start() const { return start_; }
    size_t size() const { return size_; }
    bool owns(const char* address) const {
        return address >= mapping_ && address < mapping_ + mapped();
    }
    bool covers(const char* address, size_t size) const {
        return address >= start_ && address + size <= start_ + size_;
    }
    bool intact() const {
        const char* first = mapping_ + forbidden;
        return untouched(first, start_) && untouched(start_ + size_, first + usable_);
    }

private:
    static constexpr int poison = 0xff;

    static bool untouched(const char* from, const char* to) {
        while (from != to && *from == static_cast<char>(poison)) ++from;
        return from == to;
    }
    size_t mapped() const { return forbidden + usable_ + forbidden; }

    size_t size_, usable_ = 0;
    char* mapping_ = nullptr;
    char* start_ = nullptr;
};

class DeviceMemory {
public:
    // Null where there is no memory left.
    char* allocate(size_t size) {
        Buffer buffer(size);
        if (!buffer.valid()) return nullptr;
        buffer.traffic = free_traffic();
        buffers_.emplace(buffer.start(), buffer);
        return buffer.start();
    }
    bool release(char* start) {
        const auto found = buffers_.find(start);
        if (found == buffers_.end()) return false;
        found->second.release();
        buffers_.erase(found);
        return true;
    }
    bool covers(const void* address, size_t size) const {
        const auto* bytes = static_cast<const char*>(address);
        const Buffer* buffer = owner(bytes);
        return size == 0 || (buffer != nullptr && buffer->covers(bytes, size));
    }
    // The buffer in which, or close to which, an address lies.
    const Buffer* owner(const char* address) const {
        for (const auto& [start, buffer] : buffers_) {
            if (buffer.owns(address)) return &buffer;
        }
        return nullptr;
    }
    const Buffer* first_damaged() const {
        for (const auto& [start, buffer] : buffers_) {
            if (!buffer.intact()) return &buffer;
        }
        return nullptr;
    }

private:
    // A place to count in that no other buffer has; null where so many are in use.
    Traffic* free_traffic() const {
        bool used[counted_buffers] = {};
        for (const auto& [start, buffer] : buffers_) {
            if (buffer.traffic != nullptr) used[buffer.traffic - report->traffic] = true;
        }
        for (unsigned i = 0; i < counted_buffers; ++i) {
            if (used[i]) continue;
            report->traffic[i].read = report->traffic[i].written = 0;
            return &report->traffic[i];
        }
        return nullptr;
    }

    std::map<char*, Buffer> buffers_;
};

static const DeviceMemory* known_memory;  // a plain pointer: a signal handler takes no arguments

}  // namespace attn_emulator
