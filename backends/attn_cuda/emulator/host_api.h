// What a launcher, and Python behind it, may use: device memory, launches and error codes, under
// CUDA's names and with CUDA's numbers.
#pragma once

#include <stddef.h>
#include <utility>

#include "vector_types.h"

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidDevicePointer = 17,
    cudaErrorIllegalAddress = 700,
    cudaErrorLaunchTimeout = 702,
    cudaErrorAssert = 710,
    cudaErrorMisalignedAddress = 716,
    cudaErrorLaunchFailure = 719,
    cudaErrorUnknown = 999,
};

enum cudaMemcpyKind {
    cudaMemcpyHostToHost = 0,
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3,
    cudaMemcpyDefault = 4,
};

enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};

// A stream orders work; here each call has finished when it returns, so any stream is in order.
using cudaStream_t = struct CUstream_st*;

// ---- Launching ---------------------------------------------------------------------------------

namespace attn_emulator {

// A kernel without its type, and the one function that remembers the type and can call it.
using Kernel = void (*)();
using Enter = void (*)(Kernel kernel, void** arguments);

struct Launch {
    Kernel kernel;
    Enter enter;
    void** arguments;
    dim3 grid, block;
    size_t dynamic_shared;
    const size_t* sizes;  // of the arguments, in bytes
    size_t count;
};

cudaError_t launch(const Launch& launch);
cudaError_t set_attribute(Kernel kernel, cudaFuncAttribute attribute, int value);

template <typename... Parameters, size_t... I>
void call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<Parameters*>(arguments[I])...);
}

}  // namespace attn_emulator

// `arguments` is an array of addresses and tells nothing of the types behind them; the kernel's own
// type does. So a launcher must hand over the kernel itself and not cast it to const void*. (nvcc's
// header has a template of the same shape that takes it, too.)
template <typename... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block,
                             void** arguments, size_t dynamic_shared = 0,
                             cudaStream_t = nullptr) {
    const attn_emulator::Enter enter = [](attn_emulator::Kernel untyped, void** arguments) {
        attn_emulator::call(reinterpret_cast<void (*)(Parameters...)>(untyped), arguments,
                            std::index_sequence_for<Parameters...>());
    };
    static constexpr size_t sizes[] = {sizeof(Parameters)..., 0};
    return attn_emulator::launch({reinterpret_cast<attn_emulator::Kernel>(kernel), enter, arguments,
                                  grid, block, dynamic_shared, sizes, sizeof...(Parameters)});
}

template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
    return attn_emulator::set_attribute(reinterpret_cast<attn_emulator::Kernel>(kernel), attribute,
                                        value);
}

// ---- The functions that Python finds by name ---------------------------------------------------

#pragma GCC visibility push(default)
extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t size);
cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t stream);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream);
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* pointer, int byte, size_t size);
cudaError_t cudaMemsetAsync(void* pointer, int byte, size_t size, cudaStream_t stream = nullptr);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);

// The emulator's own: what the last failure was, in a sentence that names lines and threads.
const char* attn_emulator_message();

// While this is on, launches are written down and not executed: a line for each, with the kernel's
// place, the grid, the block, the bytes of dynamic shared memory, and each argument's bytes.
void attn_emulator_record(int on);
const char* attn_emulator_launches();

// How often, so far, an access of a warp to shared memory had to wait for another to the same bank.
long long attn_emulator_bank_conflicts();

// From now on count what kernels read and write of each buffer, or stop to (it takes time); and
// what that was since the buffer was allocated, in bytes.
void attn_emulator_count(int on);
void attn_emulator_traffic(const void* buffer, long long* read, long long* written);

}  // extern "C"
#pragma GCC visibility pop

// CUDA's header spares the caller the cast to void**.
template <typename T>
cudaError_t cudaMalloc(T** pointer, size_t size) {
    return cudaMalloc(reinterpret_cast<void**>(pointer), size);
}

template <typename T>
cudaError_t cudaMallocAsync(T** pointer, size_t size, cudaStream_t stream) {
    return cudaMallocAsync(reinterpret_cast<void**>(pointer), size, stream);
}
