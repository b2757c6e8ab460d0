// What stands behind host_api.h. One device, one lock: launches and copies happen one by one.
//
// Compiled with -fvisibility=hidden: what the headers do not mark stays inside the library.

#include <map>
#include <mutex>
#include <string>

#include "cuda_runtime.h"
#include "hooks.hpp"
#include "launch.hpp"

namespace attn_emulator {

static std::mutex device;
static DeviceMemory memory;
static std::map<Kernel, size_t> dynamic_allowed;
static cudaError_t last_error = cudaSuccess;
static std::string last_message;

static bool recording = false;
static std::string recorded;

static cudaError_t refuse(cudaError_t error, std::string message) {
    last_error = error;
    last_message = std::move(message);
    return error;
}

static std::string text(dim3 size) {
    return std::to_string(size.x) + " × " + std::to_string(size.y) + " × " +
           std::to_string(size.z);
}

static size_t dynamic_limit_of(Kernel kernel) {
    const auto found = dynamic_allowed.find(kernel);
    return found == dynamic_allowed.end() ? dynamic_default : found->second;
}

static bool fits_grid(dim3 size) {
    return size.x > 0 && size.y > 0 && size.z > 0 && size.x <= 0x7fffffff && size.y <= 65535 &&
           size.z <= 65535;
}

static bool fits_block(dim3 size) {
    return size.x > 0 && size.y > 0 && size.z > 0 && size.x <= max_threads &&
           size.y <= max_threads && size.z <= 64 && size.x * size.y * size.z <= max_threads;
}

static cudaError_t record(const Launch& launch) {
    char part[96];
    const dim3 grid = launch.grid, block = launch.block;
    snprintf(part, sizeof(part), "{kernel %#x} %u %u %u %u %u %u %zu", place_of(launch.kernel),
             grid.x, grid.y, grid.z, block.x, block.y, block.z, launch.dynamic_shared);
    recorded += part;
    for (size_t i = 0; i < launch.count; ++i) {
        recorded += ' ';
        const auto* bytes = static_cast<const unsigned char*>(launch.arguments[i]);
        for (size_t n = 0; n < launch.sizes[i]; ++n) {
            snprintf(part, sizeof(part), "%02x", bytes[n]);
            recorded += part;
        }
    }
    recorded += '\n';
    return cudaSuccess;
}

cudaError_t launch(const Launch& launch) {
    const std::lock_guard hold(device);
    if (!fits_grid(launch.grid)) {
        return refuse(cudaErrorInvalidConfiguration,
                      "a grid of " + text(launch.grid) + " blocks cannot be launched");
    }
    if (!fits_block(launch.block)) {
        return refuse(cudaErrorInvalidConfiguration,
                      "a block of " + text(launch.block) + " threads cannot be launched");
    }
    if (launch.dynamic_shared > dynamic_limit_of(launch.kernel)) {
        return refuse(cudaErrorInvalidValue,
                      std::to_string(launch.dynamic_shared) +
                          " bytes of dynamic shared memory are more than the " +
                          std::to_string(dynamic_limit_of(launch.kernel)) +
                          " that the kernel may use; cudaFuncSetAttribute allows up to " +
                          std::to_string(dynamic_limit));
    }
    if (recording) return record(launch);
    const cudaError_t error = run(launch, memory);
    if (error != cudaSuccess) return refuse(error, report->message);
    if (const Buffer* buffer = memory.first_damaged()) {
        char place[32];
        snprintf(place, sizeof(place), "{kernel %#x}: ", place_of(launch.kernel));
        return refuse(cudaErrorIllegalAddress,
                      std::string(place) + "it wrote close before or behind a buffer of " +
                          std::to_string(buffer->size()) + " bytes");
    }
    return cudaSuccess;
}

cudaError_t set_attribute(Kernel kernel, cudaFuncAttribute attribute, int value) {
    const std::lock_guard hold(device);
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > dynamic_limit) {
        return refuse(cudaErrorInvalidValue, "a block cannot have " + std::to_string(value) +
                                                 " bytes of dynamic shared memory");
    }
    dynamic_allowed[kernel] = static_cast<size_t>(value);
    return cudaSuccess;
}

struct ErrorText {
    cudaError_t error;
    const char* name;
    const char* meaning;
};

static constexpr ErrorText error_texts[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

static const ErrorText& text_of(cudaError_t error) {
    for (const ErrorText& text : error_texts) {
        if (text.error == error) return text;
    }
    return error_texts[std::size(error_texts) - 1];
}

}  // namespace attn_emulator

using namespace attn_emulator;

extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t size) {
    const std::lock_guard hold(device);
    *pointer = size == 0 ? nullptr : memory.allocate(size);
    if (size == 0 || *pointer != nullptr) return cudaSuccess;
    return refuse(cudaErrorMemoryAllocation,
                  "there are no " + std::to_string(size) + " bytes of memory left");
}

cudaError_t cudaFree(void* pointer) {
    const std::lock_guard hold(device);
    if (pointer == nullptr || memory.release(static_cast<char*>(pointer))) return cudaSuccess;
    return refuse(cudaErrorInvalidValue, "what is freed was not allocated, or is freed twice");
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind) {
    const std::lock_guard hold(device);
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if ((to_device && !memory.covers(to, size)) || (from_device && !memory.covers(from, size))) {
        return refuse(cudaErrorInvalidValue,
                      "cudaMemcpy of " + std::to_string(size) + " bytes leaves its buffer");
    }
    if (size != 0) memmove(to, from, size);
    return cudaSuccess;
}

cudaError_t cudaMemset(void* pointer, int byte, size_t size) {
    const std::lock_guard hold(device);
    if (!memory.covers(pointer, size)) {
        return refuse(cudaErrorInvalidValue,
                      "cudaMemset of " + std::to_string(size) + " bytes leaves its buffer");
    }
    if (size != 0) memset(pointer, byte, size);
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t) {
    return cudaMalloc(pointer, size);
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) { return cudaFree(pointer); }
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind,
                            cudaStream_t) {
    return cudaMemcpy(to, from, size, kind);
}
cudaError_t cudaMemsetAsync(void* pointer, int byte, size_t size, cudaStream_t) {
    return cudaMemset(pointer, byte, size);
}

// Nothing is ever under way.
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaPeekAtLastError() { return last_error; }
cudaError_t cudaGetLastError() {
    const cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).meaning; }

void attn_emulator_record(int on) {
    const std::lock_guard hold(device);
    recording = on != 0;
    recorded.clear();
}

const char* attn_emulator_launches() { return recorded.c_str(); }

long long attn_emulator_bank_conflicts() { return report->bank_conflicts; }

void attn_emulator_count(int on) { counting = on != 0; }

void attn_emulator_traffic(const void* pointer, long long* read, long long* written) {
    const std::lock_guard hold(device);
    const Buffer* buffer = memory.owner(static_cast<const char*>(pointer));
    const Traffic* traffic = buffer == nullptr ? nullptr : buffer->traffic;
    *read = traffic == nullptr ? 0 : traffic->read.load();
    *written = traffic == nullptr ? 0 : traffic->written.load();
}

// Told once, so that a later failure of another kind does not come with this explanation.
const char* attn_emulator_message() {
    static std::string told;
    const std::lock_guard hold(device);
    told = std::move(last_message);
    last_message.clear();
    return told.c_str();
}

}  // extern "C"
