// Fibers: many threads of execution on one thread of the operating system.
//
// A block's threads run in turns, and a turn ends only where a thread waits for others. So a switch
// is a plain function call that saves the registers which a call must preserve, on the stack that
// it leaves, and restores those of the stack that it enters: a few nanoseconds.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__x86_64__) && !defined(ATTN_EMULATOR_UCONTEXT)
#define ATTN_EMULATOR_ASSEMBLY
#else
#include <ucontext.h>
#endif

namespace attn_emulator {

#ifdef ATTN_EMULATOR_ASSEMBLY

extern "C" void attn_emulator_switch(void** leave, void* enter);

// rdi: where to note the stack that is left. rsi: the stack to enter, noted by an earlier switch.
asm(R"(
    .text
    .local attn_emulator_switch
    .type attn_emulator_switch, @function
attn_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size attn_emulator_switch, . - attn_emulator_switch
)");

class Fiber {
public:
    // Lay out the stack as if `start` had called switch with six registers: the first switch pops
    // those and "returns" to start, which finds the alignment that the ABI promises to a callee.
    void prepare(char* stack, size_t size, void (*start)()) {
        auto** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack + size) & ~15ul);
        *--top = nullptr;
        *--top = reinterpret_cast<void*>(start);
        top_ = top - 6;
    }
    void switch_to(Fiber& other) { attn_emulator_switch(&top_, other.top_); }

private:
    void* top_ = nullptr;
};

#else  // any other processor, by the C library; it makes a system call per switch

class Fiber {
public:
    void prepare(char* stack, size_t size, void (*start)()) {
        getcontext(&context_);
        context_.uc_stack.ss_sp = stack;
        context_.uc_stack.ss_size = size;
        context_.uc_link = nullptr;
        makecontext(&context_, start, 0);
    }
    void switch_to(Fiber& other) { swapcontext(&context_, &other.context_); }

private:
    ucontext_t context_;
};

#endif

// One stack per thread of a block, each above a page that must not be touched, so that a thread
// which needs more fails instead of writing over its neighbour. Pages cost memory once used.
class Stacks {
public:
    static constexpr size_t page = 4096;
    static constexpr size_t stride = 64 * page;

    explicit Stacks(size_t count) : size_(count * stride) {
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        memory_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, -1, 0));
        for (size_t i = 0; valid() && i < count; ++i) {
            mprotect(memory_ + i * stride, page, PROT_NONE);
        }
    }
    bool valid() const { return memory_ != MAP_FAILED; }
    bool contains(const char* address) const {
        return address >= memory_ && address < memory_ + size_;
    }
    // Tops at one distance from each other would all compete for the same few lines of the cache:
    // the first uses of the stacks are spread over a page.
    char* of(size_t i) const { return memory_ + i * stride + page; }
    static size_t size_of(size_t i) { return stride - page - i * 192 % page; }

private:
    size_t size_;
    char* memory_;
};

}  // namespace attn_emulator
