// Shared memory: the thread-local segment of this library (see __shared__ in cuda_runtime.h).
#pragma once

#include <link.h>
#include <string.h>

#include "report.hpp"

namespace attn_emulator {

constexpr size_t dynamic_limit = 227 * 1024;     // of a block, on the chips we build for
constexpr size_t dynamic_default = 48 * 1024;    // without cudaFuncSetAttribute
constexpr size_t dynamic_reserved = 228 * 1024;  // whole pages

// Whatever a kernel calls its `extern __shared__` array, the linker is told that it lies here.
extern "C" {
[[gnu::visibility("default")]] alignas(4096) thread_local char
    attn_emulator_dynamic_shared[dynamic_reserved];
}

class SharedMemory {
public:
    // Find the segment. The C library makes it when a thread first touches it, so touch it.
    SharedMemory() : dynamic_(attn_emulator_dynamic_shared) {
        asm volatile("" : : "r"(dynamic_) : "memory");
        dl_iterate_phdr(&find, this);
    }

    // Nothing may lie behind a block's dynamic shared memory; whole pages can be taken away.
    void limit_dynamic(size_t size) {
        size_ = size;
        accessible_ = (size + 4095) / 4096 * 4096;
        mprotect(dynamic_ + accessible_, dynamic_reserved - accessible_, PROT_NONE);
    }

    // A block finds 0xff everywhere: NaN as a float, -1 as an int. On the device it would find what
    // an earlier block left, which often looks right.
    void poison() const {
        memset(begin_, 0xff, static_cast<size_t>(dynamic_ + accessible_ - begin_));
        char* behind = dynamic_ + dynamic_reserved;
        memset(behind, 0xff, static_cast<size_t>(end_ - behind));
    }

    // The rest of the last page cannot be taken away, but nobody may have written to it.
    bool intact() const {
        for (size_t i = size_; i < accessible_; ++i) {
            if (dynamic_[i] != static_cast<char>(0xff)) return false;
        }
        return true;
    }

    size_t size() const { return size_; }
    char* begin() const { return begin_; }
    size_t total() const { return static_cast<size_t>(end_ - begin_); }
    // Behind what the launch gave the block, in the dynamic part.
    bool is_behind(const char* address) const {
        return contains(address) && offset(address) >= static_cast<ptrdiff_t>(size_);
    }
    bool contains(const char* address) const {
        return address >= dynamic_ && address < dynamic_ + dynamic_reserved;
    }
    ptrdiff_t offset(const char* address) const { return address - dynamic_; }

private:
    // Called for each loaded library; ours is the one whose segment holds the array.
    static int find(dl_phdr_info* info, size_t, void* memory) {
        auto& self = *static_cast<SharedMemory*>(memory);
        auto* segment = static_cast<char*>(info->dlpi_tls_data);
        for (int i = 0; segment != nullptr && i < info->dlpi_phnum; ++i) {
            const auto& header = info->dlpi_phdr[i];
            if (header.p_type != PT_TLS || self.dynamic_ < segment ||
                self.dynamic_ >= segment + header.p_memsz) {
                continue;
            }
            self.begin_ = segment;
            self.end_ = segment + header.p_memsz;
            return 1;
        }
        return 0;
    }

    char* dynamic_;
    char* begin_ = nullptr;
    char* end_ = nullptr;
    size_t size_ = 0;
    size_t accessible_ = 0;
};

}  // namespace attn_emulator
